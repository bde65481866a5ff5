//! The engine: holds one checked bundle, and answers questions in JSON.

use crate::question::{BundleTold, Question, Verified};
use crate::refusal::Refusal;
use concord_code::scan::{self, Scanned, Unreadable};
use concord_spec::bundle::{Held, Start, Terms, TrustBundle};
use concord_spec::digest::Digest;
use concord_spec::id::UnixMillis;
use concord_spec::verify::{Policy, SealsSeen};
use serde::Serialize;

/// What the page verifies with.
#[derive(Debug, Default)]
pub struct Engine {
    held: Option<Held>,
    seen: Option<SealsSeen>,
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
        Self { held: None, seen: None }
    }

    /// Answers a question in JSON about some bytes, in JSON: `bundle`, `verified`, `let-go` or `refused`. Only what is to be put
    /// away is answered in bytes.
    pub fn answer(&mut self, json: &[u8], about: &[u8]) -> Vec<u8> {
        let question = serde_json::from_slice(json).map_err(|why| Refusal::Question(why.to_string()));
        if let Ok(Question::Kept {}) = question {
            return self.held.as_ref().map(Held::to_bytes).unwrap_or_default();
        }
        let answer = question.and_then(|question| self.ask(question, about));
        let answer = answer.unwrap_or_else(|refusal| Answer::Refused(refusal.told()));
        // Nothing in an answer fails to serialise: its keys are texts.
        serde_json::to_vec(&answer).unwrap_or_default()
    }

    fn ask(&mut self, question: Question, about: &[u8]) -> Result<Answer, Refusal> {
        match question {
            Question::Look { now_ms } => {
                let bundle = TrustBundle::from_bytes(about)?;
                let chain_id = bundle.chain_id()?;
                Ok(told(&Held::of(bundle, &chain_id)?, now_ms))
            }
            Question::Open { chain_id, now_ms } => {
                let opened = Held::open(about, &chain(&chain_id)?)?;
                Ok(told(self.first(opened)?, now_ms))
            }
            Question::Start {
                chain_id,
                checkpoint,
                now_ms,
            } => {
                let start = Start {
                    chain_id: chain(&chain_id)?,
                    checkpoint: checkpoint.map(|text| text.parse()).transpose()?,
                    now: UnixMillis(now_ms),
                };
                let started = Held::start(about, &start)?;
                Ok(told(self.first(started)?, now_ms))
            }
            Question::Update { checkpoint, now_ms } => {
                let terms = Terms {
                    checkpoint: checkpoint.map(|text| text.parse()).transpose()?,
                    go_back: false,
                    now: UnixMillis(now_ms),
                };
                let updated = self.held()?.update(about, &terms)?;
                Ok(told(self.held.insert(updated), now_ms))
            }
            Question::Kept {} => Err(Refusal::Question("kept".to_owned())),
            Question::LetGo {} => Ok(Answer::LetGo(self.held.take().is_some())),
            Question::Data { now_ms } => Ok(told(self.held()?, now_ms)),
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
                let state = self.held.as_ref().ok_or(Refusal::NothingHeld)?.state();
                let seen = self.seen.get_or_insert_default();
                let report = scan::report(&scanned, state, &policy, UnixMillis(now_ms), seen);
                Ok(Answer::Verified(Box::new(report.into())))
            }
        }
    }

    fn held(&self) -> Result<&Held, Refusal> {
        self.held.as_ref().ok_or(Refusal::NothingHeld)
    }

    /// Holds the first one: what takes the place of another has to continue it.
    fn first(&mut self, opened: Held) -> Result<&Held, Refusal> {
        match self.held {
            Some(_) => Err(Refusal::HeldAlready),
            None => Ok(self.held.insert(opened)),
        }
    }
}

fn told(held: &Held, now_ms: u64) -> Answer {
    Answer::Bundle(Box::new(BundleTold::of(held, UnixMillis(now_ms))))
}

fn chain(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| Refusal::Question(text.to_owned()))
}

fn code(about: &[u8]) -> Result<Scanned, Unreadable> {
    std::str::from_utf8(about).map_or(Err(Unreadable::UnknownFormat), scan::scan_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn answer(engine: &mut Engine, json: &str, about: &[u8]) -> Value {
        serde_json::from_slice(&engine.answer(json.as_bytes(), about)).unwrap()
    }

    #[test]
    fn a_question_of_another_version_is_refused_and_never_guessed_at() {
        let verify = r#"{"ask":"verify","now_ms":1,"policy":{"own_region":null,"max_age_ms":null,"purpose":null,"recorded_required":true"#;
        for json in [
            "",
            "{",
            r#"{"ask":"sign"}"#,
            r#"{"ask":"let-go","more":1}"#,
            &format!("{verify},\"trust\":true}}}}"),
        ] {
            assert_eq!(
                answer(&mut Engine::new(), json, &[])["refused"]["reason"],
                "question",
                "{json}"
            );
        }
        let region = verify.replace("\"own_region\":null", "\"own_region\":\"no region\"") + "}}";
        assert_eq!(
            answer(&mut Engine::new(), &region, &[])["refused"]["reason"],
            "question"
        );
    }

    #[test]
    fn nothing_is_verified_without_data() {
        let verify = r#"{"ask":"verify","now_ms":1,"policy":{"own_region":null,"max_age_ms":null,"purpose":null,"recorded_required":true}}"#;
        for json in [verify, r#"{"ask":"data","now_ms":1}"#] {
            assert_eq!(
                answer(&mut Engine::new(), json, b"CC1:BB8")["refused"]["reason"],
                "nothing-held"
            );
        }
    }

    #[test]
    fn what_is_no_bundle_is_refused_in_both_languages() {
        for about in [&b""[..], b"not a bundle", &[0x87, 1]] {
            let refused = &answer(&mut Engine::new(), r#"{"ask":"look","now_ms":1}"#, about)["refused"];
            assert_eq!(refused["reason"], "unreadable");
            assert!(refused["words"]["zh"].as_str().unwrap().contains("信任包"));
            assert!(refused["words"]["en"].as_str().unwrap().contains("trust bundle"));
        }
    }
}
