use super::*;
use concord_spec::record::SignedRecord;
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("../../../../spec/vectors/records.json");

/// The action of every record of the test vectors that can be read.
fn actions() -> Vec<Action> {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let records = vectors["vectors"].as_array().unwrap().iter();
    let bytes = records.map(|vector| hex::decode(vector["record"].as_str().unwrap()).unwrap());
    bytes
        .filter_map(|bytes| SignedRecord::from_bytes(&bytes).ok())
        .map(|record| record.payload().action.clone())
        .collect()
}

#[test]
fn every_action_and_every_change_is_told_in_words_of_its_own() {
    let actions = actions();
    for (_, name) in Action::KINDS {
        let told: Vec<&Action> = actions.iter().filter(|action| action.name() == *name).collect();
        assert!(!told.is_empty(), "no vector does {name}");
        for action in told {
            let sentence = sentence(action);
            assert!(
                sentence.split_whitespace().count() >= 3 && sentence != *name,
                "{name}: {sentence}"
            );
            assert!(!sentence.contains(['{', '[', '"']), "told as people speak: {sentence}");
        }
    }
    let proposed = |name: &str| {
        actions
            .iter()
            .any(|action| matches!(action, Action::Propose(change) if change.name() == name))
    };
    for (_, name) in Change::KINDS {
        assert!(proposed(name), "no vector proposes {name}");
    }
}

#[test]
fn what_is_told_leaves_nothing_out_two_actions_that_differ_are_told_differently() {
    let mut told: BTreeMap<(String, Words), Action> = BTreeMap::new();
    for action in actions() {
        if let Action::Evidence(_) = action {
            // Its signatures are not told: they prove, and say nothing.
            continue;
        }
        let Told { sentence, details } = super::action(&action);
        if let Some(same) = told.insert((sentence.clone(), details), action.clone()) {
            assert_eq!(same, action, "told alike: {sentence}");
        }
    }
    assert!(told.len() > 40, "{}", told.len());
}
