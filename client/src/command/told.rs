//! What a record will do, in plain words: a sentence, and every detail of it as a name and a value.
//! No action is without its words: a new one does not compile until it has them.

mod governance;
mod office;
mod series;

pub(crate) use governance::{conditions, definition, recognised};
pub(crate) use office::{level, zone};

use concord_spec::catalogue::Label;
use concord_spec::key::Keyring;
use concord_spec::record::{Action, Change};

/// Names and values, in order.
pub(crate) type Words = Vec<(String, String)>;

/// What an action does: a sentence that says all that matters, and the details behind it.
#[derive(Debug)]
pub(crate) struct Told {
    /// In one sentence.
    pub(crate) sentence: String,
    /// What it names in full: keys, addresses, every value.
    pub(crate) details: Words,
}

impl Told {
    fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            details: Words::new(),
        }
    }

    fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.put(name, value);
        self
    }

    fn put(&mut self, name: &str, value: impl std::fmt::Display) {
        self.details.push((name.to_owned(), value.to_string()));
    }

    fn labels(mut self, labels: &[Label]) -> Self {
        for label in labels {
            self.put("name", format!("{} ({})", label.text, label.language));
        }
        self
    }

    fn keyring(mut self, keyring: &Keyring) -> Self {
        self.put("keyring", shape(keyring));
        for key in keyring.keys() {
            self.put("key", key);
        }
        self
    }
}

/// How many keys of a keyring sign.
pub(crate) fn shape(keyring: &Keyring) -> String {
    match (keyring.threshold(), keyring.keys().len()) {
        (1, 1) => "one key, which signs".to_owned(),
        (threshold, keys) => format!("{threshold} of {keys} keys sign"),
    }
}

/// What an action does, in one sentence.
pub(crate) fn sentence(action: &Action) -> String {
    self::action(action).sentence
}

/// What an action does.
pub(crate) fn action(action: &Action) -> Told {
    match action {
        Action::Propose(body) => proposes(body),
        Action::Vote(body) => governance::vote(body),
        Action::RotateNode(body) => governance::rotate_node(body),
        Action::RotateAuthority(body) => governance::rotate_authority(body),
        Action::CancelRotation(_) => Told::new(
            "takes back the rotation of the region's authority keyring that is under way: the keyring in force stays",
        ),
        Action::SetObservers(body) => governance::observers(body),
        Action::RegisterOffice(body) => office::register(body),
        Action::AmendOffice(body) => office::amend(body),
        Action::DefineType(body) => governance::define_type(body),
        Action::SetOffice(body) => office::set(body),
        Action::SucceedOffice(body) => office::succeed(body),
        Action::Recognise(body) => governance::recognise(body),
        Action::Withdraw(body) => governance::withdraw(body),
        Action::CloseType(body) => governance::close_type(body),
        Action::OpenSeries(body) => series::open(body),
        Action::Issue(body) => series::issue(body),
        Action::SetStatus(body) => series::set_status(body),
        Action::FreezeSeries(series) => Told::new(format!(
            "freezes series {series} for good: nothing more is issued from it; what is on the ledger stands"
        )),
        Action::CloseSeries(series) => Told::new(format!(
            "closes series {series}: nothing more is issued from it; what is on the ledger stands"
        )),
        Action::Delegate(body) => office::delegate(body),
        Action::Evidence(body) => governance::evidence(body),
    }
}

fn proposes(change: &Change) -> Told {
    let Told { sentence, details } = self::change(change);
    Told {
        sentence: format!("proposes, and votes for: {sentence}"),
        details,
    }
}

/// What a change of the federation does once more than two thirds of the regions have voted for it.
pub(crate) fn change(change: &Change) -> Told {
    match change {
        Change::AdmitRegion(card) => governance::admit(card),
        Change::SuspendRegion(region) => Told::new(format!(
            "suspends region {region}: its node neither votes nor seals until it is reinstated; its offices go on"
        )),
        Change::ReinstateRegion(region) => {
            Told::new(format!("reinstates region {region}: its node votes and seals again"))
        }
        Change::RemoveRegion(region) => Told::new(format!(
            "removes region {region} for good: its authority and offices say nothing more; what they said stands"
        )),
        Change::SetParameters(parameters) => Told::new(format!(
            "sets the parameters: at most {} ms without a block",
            parameters.heartbeat_ms
        )),
        Change::RaiseVersion(body) => governance::raise_version(*body),
        Change::AdmitDomain(body) => Told::new(format!(
            "admits domain authority {}: it defines types named {}.… and supervises their credentials in every region",
            body.domain, body.domain
        ))
        .labels(&body.labels)
        .keyring(&body.keyring),
        Change::DefineType(body) => governance::define_type(body),
        Change::ReplaceKeyring(body) => {
            Told::new(format!("replaces the keyring of {}, at once and whole", body.of)).keyring(&body.keyring)
        }
        Change::SucceedRegion(body) => Told::new(format!(
            "region {} takes over all offices and series of region {}, for good",
            body.successor, body.region
        )),
        Change::CancelRotation(region) => Told::new(format!(
            "cancels the rotation of the authority keyring of region {region} that is under way: the keyring in force stays"
        )),
        Change::CloseType(body) => governance::close_type(body),
    }
}

#[cfg(test)]
mod tests;
