//! `concord demo`: the whole way once, with real nodes.

mod federation;
mod place;
mod summary;

use super::issue::{Desk, Sheet};
use super::{Done, Failure, Shared, access, bundle, issue, series, show, verify};
use clap::Args;
use concord_client::desk::definition::TypeDefinition;
use concord_client::desk::issuing::Step;
use concord_client::desk::journal::{self, Journal};
use concord_client::desk::release::Released;
use concord_client::desk::{content, statement};
use concord_client::files;
use concord_client::keys;
use concord_client::terminal::progress;
use concord_client::transport::{MAX_WAIT, Node};
use concord_spec::bundle::TrustedState;
use concord_spec::catalogue::{Label, TypeRef};
use concord_spec::charter::{Charter, CharterRegion};
use concord_spec::id::{Height, OfficeCode, OfficeId, RegionId, SeriesId};
use concord_spec::key::{Keyring, SecretKey};
use concord_spec::record::{
    Action, Actor, NumberRange, OfficeLevel, OpenSeries, RegisterOffice, Scope, SetStatus, StatusChange,
};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::verify::{Policy, SealsSeen, Verdict};
use federation::Federation;
use place::Place;
use rayon::prelude::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use summary::{Seconds, Summary};

/// The whole way once: four regions, an office, a sheet, certificates, and offline verification
///
/// Starts a federation of four regions as four real nodes on this machine; registers an office whose keyring signs two of
/// three, a credential type and a series; issues the sheet that is shipped in batches of 16; revokes three certificates;
/// fetches a trust bundle; stops every node; then verifies every certificate offline from the picture of its QR code.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where everything is left to look at: a new or empty directory, or that of an earlier demo, which is replaced
    #[arg(long, value_name = "DIR", default_value = "concord-demo")]
    dir: PathBuf,
}

const DEFINITION: &str = include_str!("../../samples/drivers-licence.type.toml");
const SHEET: &str = include_str!("../../samples/drivers-licences.csv");
const REGIONS: usize = 4;
/// Where the office is: Shanghai.
const REGION: &str = "310000";
const OFFICE: &str = "11310000MB0C12345X";
const OFFICE_NAME_ZH: &str = "上海市车辆管理所（演示）";
const OFFICE_NAME_EN: &str = "Shanghai Vehicle Administration (demonstration)";
const BATCH: usize = 16;
const REVOKED: usize = 3;
/// How long the bundle may take to hold what was recorded last.
const BUNDLE_TIME: Duration = Duration::from_secs(20);

impl Demo {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let mut seconds = Seconds::begin();
        let program = federation::program()?;
        seconds.lap("build");
        let place = Place::prepare(&self.dir)?;
        show::remark(&format!(
            "starting four regions as four nodes in {}",
            place.federation().display()
        ));
        let federation = Federation::start(&program, &place.federation(), REGIONS)?;
        seconds.lap("start");
        let office = Office::make(&place, &federation)?;
        let series = office.set_up()?;
        seconds.lap("register");
        let released = office.issue(&place, series)?;
        seconds.lap("issue");
        let (revoked, height) = office.revoke(series, &released)?;
        seconds.lap("revoke");
        let state = pull(&office.node, &place, height)?;
        seconds.lap("bundle");
        show::remark("stopping every node");
        federation.stop()?;
        seconds.lap("stop");
        show::remark("verifying every certificate offline, from the picture of its code");
        let verdicts = verdicts(&released, &state);
        seconds.lap("verify");
        let summary = Summary::of(REGIONS, &released, &verdicts, &state, &place, seconds);
        show::answer(shared, &summary.table(), &summary.object())?;
        check(&released, &verdicts, &revoked)?;
        Ok(0)
    }
}

/// The office with its keys, and a node to talk to.
struct Office {
    node: Node,
    charter: Charter,
    region_key: SecretKey,
    keys: Vec<SecretKey>,
    series_key: SecretKey,
    series_key_file: PathBuf,
    definition: TypeDefinition,
}

impl Office {
    fn make(place: &Place, federation: &Federation) -> Result<Self, Failure> {
        let definition = TypeDefinition::parse(DEFINITION)?;
        files::replace(&place.definition(), DEFINITION.as_bytes())?;
        files::replace(&place.sheet(), SHEET.as_bytes())?;
        let region = RegionId::new(REGION)?;
        let node = Node::at(&federation.api(&region)?);
        let charter = access::charter(Some(&place.charter()), &node)?;
        let office_key = |number: usize| keys::create(&place.key(&format!("office-{number}")), None);
        let series_key_file = place.key("series");
        Ok(Self {
            node,
            charter,
            region_key: keys::open(&place.authority(&region), None)?,
            keys: (1..=3).map(office_key).collect::<Result<_, _>>()?,
            series_key: keys::create(&series_key_file, None)?,
            series_key_file,
            definition,
        })
    }

    fn region(&self) -> Result<&CharterRegion, Failure> {
        access::region_of(&self.charter, std::slice::from_ref(&self.region_key))
    }

    fn id(&self) -> Result<OfficeId, Failure> {
        Ok(OfficeId::new(self.region()?.region.clone(), OfficeCode::new(OFFICE)?))
    }

    /// A statement of the region, until it is in a sealed block.
    fn by_region(&self, action: Action) -> Result<(), Failure> {
        let chain_id = self.charter.chain_id();
        let now = access::later_of_clocks(&self.node, &chain_id)?;
        let actor = Actor::Region(self.region()?.region.clone());
        let record = statement::sign(chain_id, now, actor, action, &[&self.region_key]);
        access::record(&self.node, &record).map(drop)
    }

    /// Registers the office, defines the type, opens the series.
    fn set_up(&self) -> Result<SeriesId, Failure> {
        let of = content::in_region(&self.definition, &self.region()?.region)?;
        let reference: TypeRef = of.reference.clone();
        show::remark(&format!(
            "registering office {}, type {reference}, a series",
            self.id()?
        ));
        let label = |language: &str, text: &str| Label {
            language: language.to_owned(),
            text: text.to_owned(),
        };
        self.by_region(Action::DefineType(Box::new(of)))?;
        self.by_region(Action::RegisterOffice(RegisterOffice {
            code: OfficeCode::new(OFFICE)?,
            labels: vec![label("zh", OFFICE_NAME_ZH), label("en", OFFICE_NAME_EN)],
            keyring: Keyring::new(2, self.keys.iter().map(SecretKey::public).collect())?,
            level: OfficeLevel::Province,
            scope: Scope::of_types(vec![reference.id.clone()]),
            utc_offset_minutes: 480,
        }))?;
        let open = OpenSeries {
            of: reference,
            desk: "窗口1".to_owned(),
            key: self.series_key.public(),
        };
        let chain_id = self.charter.chain_id();
        let record = series::by_office(&self.node, &chain_id, &self.id()?, &self.keys, Action::OpenSeries(open))?;
        let answer = access::record(&self.node, &record)?;
        answer
            .series
            .ok_or_else(|| Failure::Cannot("the node did not say which series was opened".to_owned()))
    }

    /// Issues the shipped sheet.
    fn issue(&self, place: &Place, series: SeriesId) -> Result<Vec<Released>, Failure> {
        let sheet = Sheet::parse(SHEET.as_bytes(), TypeDefinition::parse(DEFINITION)?)?;
        show::remark(&format!(
            "issuing {} certificates in batches of {BATCH}",
            sheet.rows.len()
        ));
        let desk = Desk::find(&self.node, &self.charter, series, self.series_key.clone(), &self.keys)?;
        let contents = desk.contents(&sheet)?;
        let at = journal::beside_key(&self.series_key_file);
        let mut journal = Journal::open(&at, self.charter.chain_id(), series)?;
        let told = |step| match step {
            Step::Signed(0) | Step::Recorded(0) => {}
            Step::Signed(count) => show::remark(&format!("  {count} credentials signed, and in the journal")),
            Step::Recorded(count) => show::remark(&format!("  {count} more sealed")),
        };
        let out = place.certificates();
        let released = desk.issue(
            &self.node,
            &self.charter,
            &mut journal,
            &sheet,
            &contents,
            BATCH,
            &out,
            &told,
        )?;
        issue::index::write(&out, &released, &sheet.rows)?;
        Ok(released)
    }

    /// Revokes some: positions in the sheet, and the height at which the ledger knows.
    fn revoke(&self, series: SeriesId, released: &[Released]) -> Result<(Vec<usize>, Height), Failure> {
        let spread = |part: usize| released.len().saturating_mul(2 * part + 1) / (2 * REVOKED);
        let positions: Vec<usize> = (0..REVOKED).map(spread).collect();
        let numbers = positions
            .iter()
            .filter_map(|position| released.get(*position))
            .map(|one| one.id.number);
        let ranges: Vec<NumberRange> = numbers.map(|first| NumberRange { first, count: 1 }).collect();
        let listed: Vec<String> = ranges.iter().map(|range| range.first.to_string()).collect();
        show::remark(&format!("revoking numbers {} of series {series}", listed.join(", ")));
        let change = StatusChange::Set(StatusKind::Revoked);
        let action = Action::SetStatus(SetStatus {
            series,
            ranges,
            change,
            reason: Reason::Penalty,
            effective: None,
            detail: None,
            successor: None,
        });
        let record = series::by_office(&self.node, &self.charter.chain_id(), &self.id()?, &self.keys, action)?;
        let answer = access::record(&self.node, &record)?;
        let strange = || Failure::Cannot("the node did not say in which block".to_owned());
        Ok((positions, answer.height.ok_or_else(strange)?))
    }
}

/// Fetches a bundle that knows at least this height.
fn pull(node: &Node, place: &Place, height: Height) -> Result<TrustedState, Failure> {
    show::remark("fetching a trust bundle");
    let begun = Instant::now();
    loop {
        let asked = bundle::Asked::of_charter(place.charter());
        let state = bundle::pull(node, &place.bundle(), &asked)?.held.into_state();
        if state.height() >= height {
            return Ok(state);
        }
        if begun.elapsed() > BUNDLE_TIME.min(MAX_WAIT) {
            let words = format!(
                "the node's bundle stays at height {}, the revocation is in block {height}",
                state.height()
            );
            return Err(Failure::Cannot(words));
        }
        // The bundle is made after its block; nothing announces it.
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn verdicts(released: &[Released], state: &TrustedState) -> Vec<Verdict> {
    let (policy, now) = (Policy::default(), show::now());
    let shown = progress("verified offline", u64::try_from(released.len()).unwrap_or(u64::MAX));
    let judged = |seen: &mut SealsSeen, one: &Released| {
        let verdict = verify::judge(&one.code, None, state, &policy, now, seen).verdict;
        shown.advance(1);
        verdict
    };
    let verdicts = released.par_iter().map_init(SealsSeen::new, judged).collect();
    shown.finish();
    verdicts
}

/// Whether every verdict is the one that it should be.
fn check(released: &[Released], verdicts: &[Verdict], revoked: &[usize]) -> Result<(), Failure> {
    let expected = |position: usize| {
        if revoked.contains(&position) {
            Verdict::Revoked
        } else {
            Verdict::Valid
        }
    };
    let wrong = released
        .iter()
        .zip(verdicts)
        .enumerate()
        .find(|(position, (_, found))| **found != expected(*position));
    match wrong {
        None => Ok(()),
        Some((position, (one, found))) => {
            let (file, found, expected) = (one.code.display(), found.word(), expected(position).word());
            Err(Failure::Cannot(format!("{file} is {found} and should be {expected}")))
        }
    }
}
