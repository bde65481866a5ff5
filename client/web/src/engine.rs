//! The engine: holds one checked bundle, and answers questions in JSON.

use crate::question::{BundleTold, Question, Verified};
use crate::refusal::Refusal;
use concord_code::scan::{self, Scanned, Unreadable};
use concord_spec::bundle::{TrustBundle, TrustedState};
use concord_spec::id::UnixMillis;
use concord_spec::verify::Policy;
use serde::Serialize;

/// What the page verifies with.
#[derive(Debug, Default)]
pub struct Engine {
    held: Option<TrustedState>,
}

/// An answer: exactly one field.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Bundle(Box<BundleTold>),
    Verified(Box<Verified>),
    LetGo(bool),
    Refused(crate::refusal::RefusalTold),
}

impl Engine {
    /// An engine that holds nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: None }
    }

    /// Answers a question in JSON about some bytes, in JSON: `bundle`, `verified`, `let-go` or `refused`.
    pub fn answer(&mut self, json: &[u8], about: &[u8]) -> String {
        let question = serde_json::from_slice(json).map_err(|why| Refusal::Question(why.to_string()));
        let answer = question.and_then(|question| self.ask(question, about));
        let answer = answer.unwrap_or_else(|refusal| Answer::Refused(refusal.told()));
        // Nothing in an answer fails to serialise: its keys are texts.
        serde_json::to_string(&answer).unwrap_or_default()
    }

    fn ask(&mut self, question: Question, about: &[u8]) -> Result<Answer, Refusal> {
        match question {
            Question::Look { now_ms } => {
                let state = TrustBundle::open(about, &TrustBundle::claimed_chain(about)?)?;
                Ok(bundle(&state, now_ms))
            }
            Question::Hold { chain_id, now_ms } => {
                let chain_id = chain_id.parse().map_err(|_| Refusal::Question(chain_id))?;
                let offered = TrustBundle::open(about, &chain_id)?;
                let state = self.take(offered)?;
                Ok(bundle(state, now_ms))
            }
            Question::LetGo => Ok(Answer::LetGo(self.held.take().is_some())),
            Question::Data { now_ms } => Ok(bundle(self.held()?, now_ms)),
            Question::Verify {
                policy,
                now_ms,
                text,
                given_up,
            } => {
                let policy = Policy::try_from(policy).map_err(Refusal::Question)?;
                let scanned = match (given_up, text) {
                    (true, _) => Err(Unreadable::NoCode),
                    (false, true) => code(about),
                    (false, false) => scan::scan_bytes(about),
                };
                let report = scan::report(&scanned, self.held()?, &policy, UnixMillis(now_ms));
                Ok(Answer::Verified(Box::new(report.into())))
            }
        }
    }

    fn held(&self) -> Result<&TrustedState, Refusal> {
        self.held.as_ref().ok_or(Refusal::NothingHeld)
    }

    /// Takes a bundle in the place of the one that is held: of the same chain, heights never go back.
    fn take(&mut self, offered: TrustedState) -> Result<&TrustedState, Refusal> {
        if let Some(held) = &self.held {
            let (held, offered) = (held.height(), offered.height());
            if offered < held {
                return Err(Refusal::Older { offered, held });
            }
        }
        Ok(self.held.insert(offered))
    }
}

fn bundle(state: &TrustedState, now_ms: u64) -> Answer {
    Answer::Bundle(Box::new(BundleTold::of(state, UnixMillis(now_ms))))
}

fn code(about: &[u8]) -> Result<Scanned, Unreadable> {
    std::str::from_utf8(about).map_or(Err(Unreadable::UnknownFormat), scan::scan_text)
}
