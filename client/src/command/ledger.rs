//! The ledger as a command sees it: a node's sections, or a trust bundle, and who speaks for whom there.

use super::{Failure, Shared, access, bundle};
use concord_client::transport::Node;
use concord_spec::bundle::TrustedState;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, OfficeId, RegionId, SeriesId, UnixMillis};
use concord_spec::key::Keyring;
use concord_spec::ledger::standing::{self, Offices};
use concord_spec::ledger::{Directory, Federation, Office, Series};
use concord_spec::record::Actor;
use std::collections::BTreeMap;
use std::path::Path;

/// What a node says of the federation and of some regions' offices, as of its last block.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) node: Node,
    pub(crate) chain_id: Digest,
    /// Height of the node's last block.
    pub(crate) height: Height,
    /// Its time.
    pub(crate) time: UnixMillis,
    federation: Federation,
    directories: BTreeMap<RegionId, Directory>,
}

impl Ledger {
    /// Asks the node; the charter that the caller trusts, if one is given, says of which chain it must be.
    pub(crate) fn open(shared: &Shared, charter: Option<&Path>) -> Result<Self, Failure> {
        let node = shared.node()?;
        let chain_id = access::charter(charter, &node)?.chain_id();
        Self::of(node, chain_id)
    }

    /// Asks the node without a word about trust: for what is only looked at.
    pub(crate) fn look(shared: &Shared) -> Result<Self, Failure> {
        let node = shared.node()?;
        let chain_id = node.status()?.chain_id;
        Self::of(node, chain_id)
    }

    /// The ledger of a chain as this node knows it.
    pub(crate) fn of(node: Node, chain_id: Digest) -> Result<Self, Failure> {
        let status = node.expect_chain(&chain_id)?;
        let federation = node.federation()?;
        Ok(Self {
            node,
            chain_id,
            height: status.height,
            time: status.time_ms,
            federation,
            directories: BTreeMap::new(),
        })
    }

    /// Fetches the offices and series of a region.
    pub(crate) fn load(&mut self, region: &RegionId) -> Result<(), Failure> {
        if !self.directories.contains_key(region)
            && let Some(directory) = self.node.directory(region)?
        {
            self.directories.insert(region.clone(), directory);
        }
        Ok(())
    }

    /// Fetches the offices and series of every region: for what looks across regions.
    pub(crate) fn load_all(&mut self) -> Result<(), Failure> {
        let regions: Vec<RegionId> = self
            .federation
            .regions
            .iter()
            .map(|known| known.region.clone())
            .collect();
        regions.iter().try_for_each(|region| self.load(region))
    }

    /// Fetches what it takes to know an actor's keyring.
    pub(crate) fn load_for(&mut self, actor: &Actor) -> Result<(), Failure> {
        match actor {
            Actor::Office(office) => self.load(&office.region),
            Actor::Region(_) | Actor::Domain(_) | Actor::Nobody => Ok(()),
        }
    }

    /// The keyring that speaks for an actor now.
    pub(crate) fn keyring(&self, actor: &Actor) -> Result<Keyring, Failure> {
        keyring_of(self, actor, self.time).ok_or_else(|| unknown(actor))
    }

    /// Every directory that was fetched.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (&RegionId, &Directory)> {
        self.directories.iter()
    }
}

impl Offices for Ledger {
    fn federation(&self) -> &Federation {
        &self.federation
    }

    fn directory(&self, region: &RegionId) -> Option<&Directory> {
        self.directories.get(region)
    }
}

fn unknown(actor: &Actor) -> Failure {
    Failure::Cannot(match actor {
        Actor::Nobody => "nobody has no keyring: such a record is not signed".to_owned(),
        Actor::Region(_) | Actor::Domain(_) | Actor::Office(_) => {
            format!("{actor} is not on the ledger; check the name, or register it first")
        }
    })
}

/// The keyring that speaks for an actor at a block time.
pub(crate) fn keyring_of(offices: &dyn Offices, actor: &Actor, time: UnixMillis) -> Option<Keyring> {
    let federation = offices.federation();
    match actor {
        Actor::Region(region) => federation.region(region).map(|found| found.authority_at(time).clone()),
        Actor::Domain(domain) => federation.domain(domain).map(|found| found.keyring.clone()),
        Actor::Office(office) => offices.office(office).map(|found| found.keyring.clone()),
        Actor::Nobody => None,
    }
}

/// Where keyrings are looked up for a record that goes around: a node, or a trust bundle where there is no network.
#[derive(Debug)]
pub(crate) enum Source {
    /// What a node says.
    Node(Box<Ledger>),
    /// What a bundle holds; checked.
    Bundle(Box<TrustedState>),
}

impl Source {
    /// The bundle where one is named, else the node where one is named, with what it takes to know an actor.
    pub(crate) fn of(shared: &Shared, file: Option<&Path>, actor: &Actor) -> Result<Option<Self>, Failure> {
        if let Some(file) = file {
            return Ok(Some(Self::Bundle(Box::new(bundle::open(file, None)?))));
        }
        if !shared.names_node() {
            return Ok(None);
        }
        let mut ledger = Ledger::look(shared)?;
        ledger.load_for(actor)?;
        Ok(Some(Self::Node(Box::new(ledger))))
    }

    /// Digest of the charter.
    pub(crate) fn chain_id(&self) -> Digest {
        match self {
            Self::Node(ledger) => ledger.chain_id,
            Self::Bundle(state) => state.chain_id(),
        }
    }

    /// The time of the ledger there.
    pub(crate) fn time(&self) -> UnixMillis {
        match self {
            Self::Node(ledger) => ledger.time,
            Self::Bundle(state) => state.time(),
        }
    }

    /// The keyring that speaks for an actor; `None` where it is not known there.
    pub(crate) fn keyring(&self, actor: &Actor) -> Option<Keyring> {
        match self {
            Self::Node(ledger) => keyring_of(ledger.as_ref(), actor, self.time()),
            Self::Bundle(state) => keyring_of(state.as_ref(), actor, self.time()),
        }
    }

    /// The same, or why not.
    pub(crate) fn require_keyring(&self, actor: &Actor) -> Result<Keyring, Failure> {
        self.keyring(actor).ok_or_else(|| unknown(actor))
    }
}

impl Ledger {
    /// A series, the region it stands in, and the office that holds it now: the one that opened it, or who took its place.
    pub(crate) fn series(&mut self, id: SeriesId) -> Result<(RegionId, Series, OfficeId), Failure> {
        let unknown = || Failure::Cannot(format!("series {id} is not open"));
        let region = self.node.series(id)?.ok_or_else(unknown)?.region;
        self.load(&region)?;
        let series = self
            .directory(&region)
            .and_then(|directory| directory.series(id).cloned());
        let series = series.ok_or_else(unknown)?;
        loop {
            let holder = standing::series_holder_at(self, &region, &series, Height(u64::MAX));
            if self.directory(&holder.region).is_some() {
                return Ok((region, series, holder));
            }
            self.load(&holder.region.clone())?;
            if self.directory(&holder.region).is_none() {
                return Ok((region, series, holder));
            }
        }
    }

    /// An office, which must be registered.
    pub(crate) fn require_office(&mut self, id: &OfficeId) -> Result<Office, Failure> {
        self.load(&id.region)?;
        let unknown = || {
            Failure::Cannot(format!(
                "office {id} is not registered; see those that are: concord office list --in {}",
                id.region
            ))
        };
        self.office(id).cloned().ok_or_else(unknown)
    }
}
