//! Four regions found a federation by hand; what their authorities have not signed does not run (issue: charter by ceremony).

use std::fs;
use std::path::Path;
use std::time::Duration;

use concord_tests::ceremony::Ceremony;
use concord_tests::ledger::agreed;
use concord_tests::{Cluster, HarnessError, Options, Result, claim};

const REGIONS: [&str; 4] = ["110000", "310000", "330000", "440000"];

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map(|_| ()).map_err(HarnessError::file(to))
}

fn says(what: &str, words: &str, expected: &str) -> Result {
    claim(words.contains(expected), || {
        format!("{what} says {expected:?}: {words}")
    })
}

/// A text of a JSON answer.
fn field(answer: &str, name: &str) -> Result<String> {
    let object: serde_json::Value = serde_json::from_str(answer).map_err(|why| HarnessError::bytes("JSON", why))?;
    let found = object.get(name).and_then(serde_json::Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| HarnessError::bytes(name, answer))
}

/// Makes the cards. The first region's authority is two people with a key each, who sign apart; the others' key is made with the
/// node's.
fn cards(ceremony: &mut Ceremony) -> Result {
    let [first, others @ ..] = REGIONS;
    let mut keys = Vec::new();
    for person in ["alice.pem", "bob.pem", "carol.pem"] {
        let made = ceremony.concord(&["key", "new", person, "--plain", "--json"])?;
        keys.push(field(&made, "public")?);
    }
    let [alice, bob, carol] = keys.as_slice() else {
        return Err(HarnessError::bytes("three keys", keys.len()));
    };
    let authority = ["--authority", alice, bob, carol, "--threshold", "2"];
    let made = ceremony.init(first, first, &authority)?;
    says("init", &made, "lacks 2 signatures of the authority")?;
    claim(!ceremony.path(first).join("authority.pem").exists(), || {
        "no authority key is made where its keys are elsewhere".to_owned()
    })?;
    let card = format!("{first}/card.cbor");
    let early = ceremony.concord(&[
        "charter",
        "assemble",
        &card,
        "--chain",
        "test",
        "--output",
        "early.cbor",
    ]);
    says(
        "assemble",
        &Ceremony::refusal(early)?,
        "lacks 2 signatures of its authority",
    )?;
    let one = ceremony.concord(&["card", "sign", &card, "--key", "carol.pem"])?;
    says("the first signature", &one, "1 signatures of the authority are missing")?;
    let two = ceremony.concord(&["card", "sign", &card, "--key", "alice.pem"])?;
    says("the second signature", &two, "hand it to whoever assembles the charter")?;
    for region in others {
        ceremony.init(region, region, &[])?;
    }
    Ok(())
}

/// Each region signs a copy of its own; the first region's two people one each.
fn sign(ceremony: &Ceremony, fingerprint: &str) -> Result {
    let mut copies = Vec::new();
    let mut sign = |region: &str, key: &str| {
        let name = format!("signed-{}.cbor", copies.len());
        copy(&ceremony.path("unsigned.cbor"), &ceremony.path(&name))?;
        let card = format!("{region}/card.cbor");
        ceremony.concord(&[
            "charter",
            "sign",
            &name,
            "--card",
            &card,
            "--key",
            key,
            "--words",
            fingerprint,
        ])?;
        copies.push(name);
        Ok::<_, HarnessError>(())
    };
    let [first, others @ ..] = REGIONS;
    sign(first, "bob.pem")?;
    sign(first, "carol.pem")?;
    for region in others {
        sign(region, &format!("{region}/authority.pem"))?;
    }
    let mut merge = vec!["charter", "merge", "--output", "charter.cbor"];
    merge.extend(copies.iter().map(String::as_str));
    let merged = ceremony.concord(&merge)?;
    says("merge", &merged, "Every region has signed")
}

#[test]
fn four_regions_found_a_federation_by_hand_and_it_seals_blocks() -> Result {
    let mut ceremony = Ceremony::new()?;
    cards(&mut ceremony)?;
    let mut assemble = vec!["charter", "assemble", "--chain", "test", "--heartbeat-ms", "1000"];
    assemble.extend(["--json", "--output", "unsigned.cbor"]);
    let cards = REGIONS.map(|region| format!("{region}/card.cbor"));
    assemble.extend(cards.iter().map(String::as_str));
    let assembled = ceremony.concord(&assemble)?;
    let fingerprint = field(&assembled, "fingerprint")?;
    sign(&ceremony, &fingerprint)?;
    ceremony.free_ports();

    // A copy with all signatures but those of one of the first region's two people is not enough for its node.
    let own = ceremony.path("110000");
    copy(&ceremony.path("signed-0.cbor"), &own.join("charter.cbor"))?;
    let refused = Ceremony::refusal(ceremony.start_and_stop(&own))?;
    for told in [
        "has not signed the charter: 1 signatures",
        &fingerprint,
        "concord charter sign",
    ] {
        says("a node whose region has not signed", &refused, told)?;
    }
    for region in REGIONS {
        let place = ceremony.path(region).join("charter.cbor");
        copy(&ceremony.path("charter.cbor"), &place)?;
    }
    let mut cluster = Cluster::open(ceremony.path(""), Vec::new())?;
    cluster.start_all()?;
    let api = cluster.node(1)?.run()?.api.clone();
    let mut register = vec![
        "office",
        "register",
        "--office",
        "DESK-1",
        "--name-zh",
        "办证大厅",
        "--type",
        "110000.licence",
    ];
    register.extend(["--key", "bob.pem", "--region-key", "alice.pem", "bob.pem"]);
    register.extend(["--charter", "charter.cbor", "--node", &api]);
    let registered = ceremony.concord(&register)?;
    says(
        "the first region's authority",
        &registered,
        "110000/DESK-1 is registered",
    )?;
    let height = cluster.height()? + 2;
    cluster.await_height(height, Duration::from_secs(30))?;
    let apis: Vec<_> = cluster.nodes().iter().map(|node| node.api()).collect();
    let replayed = agreed(&apis, cluster.charter(), height)?;
    claim(replayed.records.len() == 1, || "the office is on every node".to_owned())?;
    cluster.finish()
}

#[test]
fn a_node_starts_on_no_charter_but_the_one_its_region_signed() -> Result {
    let options = Options {
        regions: 2,
        ..Options::default()
    };
    let cluster = Cluster::create(options)?;
    let ceremony = Ceremony::new()?;
    let own = cluster.node(0)?.data_dir().to_path_buf();
    let (charter, card) = (own.join("charter.cbor"), own.join("card.cbor"));
    let whole = fs::read(&charter).map_err(HarnessError::file(&charter))?;
    ceremony.start_and_stop(&own)?;

    // Altered after it was signed: the other region's address.
    let other = &cluster.charter().regions[1];
    let address = other.addresses[0].multiaddr.as_bytes();
    let mut altered = whole.clone();
    let place = altered.windows(address.len()).position(|window| window == address);
    let last = place.ok_or_else(|| HarnessError::bytes("an address", "not in the charter"))? + address.len() - 1;
    altered[last] = if altered[last] == b'1' { b'2' } else { b'1' };
    fs::write(&charter, &altered).map_err(HarnessError::file(&charter))?;
    let refused = Ceremony::refusal(ceremony.start_and_stop(&own))?;
    says(
        "a node on an altered charter",
        &refused,
        "does not hold on this charter",
    )?;

    // Put together anew, from another card of the other region: another charter, which nobody has signed.
    let mut imposter = Ceremony::new()?;
    imposter.init(other.region.as_str(), "imposter", &[])?;
    let cards = [card.clone(), imposter.path("imposter/card.cbor")];
    let arguments = ["charter", "assemble", "--chain", "localnet", "--output", "charter.cbor"].map(Into::into);
    imposter.concord(&arguments.into_iter().chain(cards).collect::<Vec<std::path::PathBuf>>())?;
    copy(&imposter.path("charter.cbor"), &charter)?;
    let refused = Ceremony::refusal(ceremony.start_and_stop(&own))?;
    says("a node on another charter", &refused, "has not signed the charter")?;
    let theirs = cluster.node(1)?.data_dir().to_path_buf();
    let sign = ["charter", "sign", "charter.cbor", "--card"].map(Into::into);
    let of = [theirs.join("card.cbor"), "--key".into(), theirs.join("authority.pem")];
    let refused = imposter.concord(&sign.into_iter().chain(of).collect::<Vec<std::path::PathBuf>>());
    says(
        "signing it",
        &Ceremony::refusal(refused)?,
        "another authority, another vote key",
    )?;

    // The node's own vote key swapped for another.
    fs::write(&charter, &whole).map_err(HarnessError::file(&charter))?;
    copy(&theirs.join("keys/consensus.pem"), &own.join("keys/consensus.pem"))?;
    let refused = Ceremony::refusal(ceremony.start_and_stop(&own))?;
    says("a node with another key", &refused, "not those that the ledger names")?;
    for done in [ceremony.path(""), imposter.path("")] {
        fs::remove_dir_all(&done).map_err(HarnessError::file(&done))?;
    }
    cluster.finish()
}
