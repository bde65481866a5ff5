//! Taking a bundle: checked whole, and only then put in the place of what is there.

use super::{Failure, Trust, held, show};
use crate::command::access;
use concord_client::files;
use concord_client::transport::{self, BundleQuery, Node, TransportError};
use concord_spec::bundle::{BundleError, Held, Kind, MAX_BUNDLE, Packed, Selection, Start, Terms, TrustBundle};
use concord_spec::digest::Digest;
use std::path::Path;

/// What is asked for, and on what terms.
#[derive(Debug, Clone, Default)]
pub(in crate::command) struct Asked {
    pub(super) trust: Trust,
    /// `None`: as what is held, or everything.
    pub(super) selection: Option<Selection>,
}

impl Asked {
    /// Everything, of the chain of a charter.
    pub(in crate::command) fn of_charter(charter: std::path::PathBuf) -> Self {
        Self {
            trust: Trust::of_charter(charter),
            selection: None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command) enum What {
    /// The whole was taken.
    Whole,
    /// What changed was taken.
    Delta,
    /// There was nothing newer.
    Nothing,
}

impl What {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Delta => "delta",
            Self::Nothing => "nothing",
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "a whole trust bundle was taken",
            Self::Delta => "what changed was taken",
            Self::Nothing => "there is nothing newer",
        }
    }
}

/// What is held after all.
#[derive(Debug)]
pub(in crate::command) struct Taken {
    pub(in crate::command) held: Held,
    pub(super) what: What,
}

impl Trust {
    fn terms(&self) -> Terms {
        Terms {
            checkpoint: self.checkpoint,
            go_back: self.go_back_to_a_lower_height,
            now: self.now.unwrap_or_else(show::now),
        }
    }

    /// The chain to trust, where something says which: the charter, the bundle at hand. Both must say the same.
    fn chain(&self, held: Option<&Held>) -> Result<Option<Digest>, Failure> {
        let held = held.map(|held| held.state().chain_id());
        let Some(path) = &self.charter else {
            return Ok(held);
        };
        let chain_id = access::signed_charter(path)?.charter().chain_id();
        match held {
            Some(held) if held != chain_id => Err(Failure::Cannot(format!(
                "the bundle at hand is of chain {held}, the charter defines {chain_id}"
            ))),
            Some(_) | None => Ok(Some(chain_id)),
        }
    }
}

/// The bundle at hand, if there is one.
fn at_hand(output: &Path) -> Result<Option<Held>, Failure> {
    if output.exists() {
        held(output, None).map(Some)
    } else {
        Ok(None)
    }
}

/// Fetches what changed, or the whole, and puts what comes of it in the place of the old one.
pub(in crate::command) fn pull(node: &Node, output: &Path, asked: &Asked) -> Result<Taken, Failure> {
    let held = at_hand(output)?;
    let chain = match asked.trust.chain(held.as_ref())? {
        Some(chain) => chain,
        None => named_by(node)?,
    };
    let taken = match held {
        None => first(node, chain, asked)?,
        Some(held) => newer(node, held, asked)?,
    };
    if taken.what != What::Nothing {
        files::replace(output, &taken.held.to_bytes())?;
    }
    Ok(taken)
}

/// The first chain that is met: said aloud.
fn named_by(node: &Node) -> Result<Digest, Failure> {
    let chain_id = node.status()?.chain_id;
    show::remark(&format!(
        "trusting chain {chain_id} because {} names it; give --charter FILE to check it",
        node.base()
    ));
    Ok(chain_id)
}

fn first(node: &Node, chain_id: Digest, asked: &Asked) -> Result<Taken, Failure> {
    let query = BundleQuery {
        selection: asked.selection.clone().unwrap_or_default(),
        since: None,
        extends: asked.trust.checkpoint.into_iter().collect(),
    };
    let bytes = node.bundle(&query, None)?.unwrap_or_default();
    let held = start(&bytes, chain_id, &asked.trust)?;
    Ok(Taken {
        held,
        what: What::Whole,
    })
}

fn start(bytes: &[u8], chain_id: Digest, trust: &Trust) -> Result<Held, Failure> {
    let start = Start {
        chain_id,
        checkpoint: trust.checkpoint,
        now: trust.terms().now,
    };
    Ok(Held::start(bytes, &start)?)
}

fn newer(node: &Node, held: Held, asked: &Asked) -> Result<Taken, Failure> {
    let terms = asked.trust.terms();
    let selection = asked.selection.as_ref().unwrap_or(held.state().selection()).clone();
    let same = selection == *held.state().selection();
    // An older one cannot show that it continues what is held.
    let extends = [held.point()].into_iter().chain(terms.checkpoint);
    let whole = BundleQuery {
        selection,
        since: None,
        extends: extends.filter(|_| !terms.go_back).collect(),
    };
    if same && terms.checkpoint.is_none() && !terms.go_back {
        match changes(node, &held, &whole.selection, &terms)? {
            Changes::Taken(taken) => return Ok(*taken),
            Changes::None(why) => show::remark(&format!(
                "no delta from height {}: {why}; fetching the whole trust bundle",
                held.point().height
            )),
        }
    }
    let bytes = node.bundle(&whole, None)?.unwrap_or_default();
    Ok(Taken {
        held: held.update(&bytes, &terms)?,
        what: What::Whole,
    })
}

enum Changes {
    Taken(Box<Taken>),
    /// There are none to be had, for this reason.
    None(String),
}

/// What changed since what is held.
fn changes(node: &Node, held: &Held, selection: &Selection, terms: &Terms) -> Result<Changes, Failure> {
    let query = BundleQuery {
        selection: selection.clone(),
        since: Some(held.point()),
        extends: Vec::new(),
    };
    let taken = |held, what| Ok(Changes::Taken(Box::new(Taken { held, what })));
    let bytes = match node.bundle(&query, Some(&held.point().hash)) {
        Ok(None) => return taken(held.clone(), What::Nothing),
        Ok(Some(bytes)) => bytes,
        Err(TransportError::Refused {
            status: 404, detail, ..
        }) => return Ok(Changes::None(detail)),
        Err(error) => return Err(error.into()),
    };
    match held.update(&bytes, terms) {
        Ok(held) => taken(held, What::Delta),
        // What the whole would not change.
        Err(error @ (BundleError::CheckpointNeeded { .. } | BundleError::OtherChain { .. })) => Err(error.into()),
        Err(error) => Ok(Changes::None(error.to_string())),
    }
}

/// Takes a file's or a web server's.
pub(super) fn apply(source: &str, output: &Path, trust: &Trust) -> Result<Taken, Failure> {
    let held = at_hand(output)?;
    let bytes = if transport::is_url(source) {
        transport::bundle_from(source)?
    } else {
        files::read(Path::new(source), MAX_BUNDLE)?
    };
    let chain = trust.chain(held.as_ref())?;
    let (new, delta) = match held {
        Some(held) => (held.update(&bytes, &trust.terms())?, is_delta(&bytes)),
        None => {
            let chain = match chain {
                Some(chain) => chain,
                None => claimed_by(source, &bytes)?,
            };
            (start(&bytes, chain, trust)?, false)
        }
    };
    files::replace(output, &new.to_bytes())?;
    let what = if delta { What::Delta } else { What::Whole };
    Ok(Taken { held: new, what })
}

fn is_delta(bytes: &[u8]) -> bool {
    matches!(Packed::open(bytes), Ok((Kind::Delta, _)))
}

/// The chain that a bundle says it is of, where nothing is trusted yet: said aloud.
fn claimed_by(source: &str, bytes: &[u8]) -> Result<Digest, Failure> {
    let chain_id = TrustBundle::claimed_chain(bytes)?;
    show::remark(&format!(
        "trusting chain {chain_id} because {source} is of it; give --charter FILE to check it"
    ));
    Ok(chain_id)
}
