//! What the shipped type's certificates take up, at 34 regions: bytes, and the version of their codes (DESIGN 4.8).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use concord_client::desk::definition::{ClaimKind, TypeDefinition};
use concord_client::desk::sheet::parse_sheet;
use concord_client::desk::size::{BATCHES, worst_case};
use concord_client::render::Code;
use concord_spec::certificate::Certificate;
use concord_spec::content::{Content, Named};
use concord_spec::credential::Issuer;
use concord_spec::digest::Digest;
use concord_spec::id::{Height, Number, SeriesId, TypeId};
use concord_spec::record::{Action, Issue, NumberRange, SetStatus, StatusChange};
use concord_spec::status::{Reason, StatusKind};
use concord_spec::status_proof::{Carried, SetShown, WithStatus};
use concord_spec::world::World;

const DEFINITION: &str = include_str!("../samples/drivers-licence.type.toml");
const SHEET: &str = include_str!("../samples/drivers-licences.csv");
/// A certificate that fits a code which a telephone reads from paper.
const MOST_BYTES: usize = 1_000;
/// A credential with a status proof, which a telephone shows and another reads.
const MOST_WITH_STATUS: usize = 1_600;

/// The content of every row of the shipped sheet, as the demo's office issues it.
fn contents() -> Vec<Content> {
    let definition = TypeDefinition::parse(DEFINITION).unwrap();
    let office = Named {
        name: "上海市车辆管理所（演示）".to_owned(),
        code: "11310000MB0C12345X".to_owned(),
    };
    let rows = parse_sheet(SHEET.as_bytes(), &definition).unwrap();
    let with_salt = |(index, row): (usize, &concord_client::desk::row::Row)| {
        let salt = [u8::try_from(index % 256).unwrap(); 16];
        row.content(salt, office.clone())
    };
    rows.iter().enumerate().map(with_salt).collect()
}

/// A federation of 34 regions, each with real keys, that issues the shipped type.
fn world() -> World {
    let definition = TypeDefinition::parse(DEFINITION).unwrap();
    let id = TypeId::new("110000.drivers-licence").unwrap();
    World::with_type(34, "localnet", definition.catalogue_entry(id)).unwrap()
}

/// The certificates of a batch of so many, in a block of so many records.
fn certificates(contents: &[Content], batch: usize, records: usize) -> Vec<Certificate> {
    let mut world = world();
    let numbered = contents.iter().cycle().take(batch).zip(0_u64..);
    let credentials: Vec<_> = numbered
        .map(|(content, number)| world.certify(number, content.clone()).unwrap())
        .collect();
    let mut block = vec![world.issue_of(&credentials).unwrap()];
    for number in (u64::try_from(batch).unwrap()..).take(records - 1) {
        block.push(world.batch_from(number, 1).unwrap().1);
    }
    world.append(block).unwrap();
    world.certificates(&credentials, 0).unwrap()
}

#[test]
fn certificates_of_the_shipped_type_stay_under_1000_bytes_at_34_regions() {
    let contents = contents();
    println!("batch  records  bytes: least  median  most   code: characters  version");
    for batch in [16, 64, 256] {
        for records in [1, 16, 256] {
            let made = certificates(&contents, batch, records);
            let mut sizes: Vec<usize> = made.iter().map(|certificate| certificate.to_bytes().len()).collect();
            sizes.sort_unstable();
            let most = *sizes.last().unwrap();
            let largest = made
                .iter()
                .find(|certificate| certificate.to_bytes().len() == most)
                .unwrap();
            let code = Code::draw(&largest.code_text()).unwrap();
            println!(
                "{batch:>5}  {records:>7}  {:>12}  {:>6}  {most:>4}   {:>16}  {:>7}",
                sizes[0],
                sizes[sizes.len() / 2],
                code.chars(),
                code.version(),
            );
            if (batch, records) == (16, 1) || (batch, records) == (64, 16) {
                assert!(
                    most < MOST_BYTES,
                    "{most} bytes in batches of {batch}, {records} records in the block"
                );
            }
        }
    }
}

/// Numbers of a series, one in a hundred of them revoked, spread over all.
fn revoked_at_one_percent(world: &mut World, numbers: u64) {
    let ranges: Vec<NumberRange> = (0..numbers)
        .filter(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (1 << 32) / 100)
        .filter(|number| *number > 0)
        .map(|number| NumberRange {
            first: Number(number),
            count: 1,
        })
        .collect();
    for some in ranges.chunks(concord_spec::record::MAX_RANGES) {
        let record = world.by_office(Action::SetStatus(SetStatus {
            series: SeriesId(1),
            ranges: some.to_vec(),
            change: StatusChange::Set(StatusKind::Revoked),
            reason: Reason::Unspecified,
            effective: None,
            detail: None,
            successor: None,
        }));
        world.append(vec![record.unwrap()]).unwrap();
    }
}

#[test]
fn a_status_proof_fits_into_a_code_beside_the_credential_at_34_regions() {
    let contents = contents();
    println!("numbers  proof: bytes  chunk   with credential: bytes  version   with certificate: bytes  version");
    for batches in [1_u64, 4, 16, 64] {
        let mut world = world();
        let first = world.certify(0, contents[0].clone()).unwrap();
        let record = world.issue_of(std::slice::from_ref(&first)).unwrap();
        world.append(vec![record]).unwrap();
        let certificate = world.certificates(&[first], 0).unwrap().remove(0);
        for batch in 0..batches {
            let record = world.by_office(Action::Issue(Issue {
                series: SeriesId(1),
                first: Number(1 + batch * 4_096),
                count: 4_096,
                root: Digest::ZERO,
            }));
            world.append(vec![record.unwrap()]).unwrap();
        }
        revoked_at_one_percent(&mut world, batches * 4_096);
        let proof = world.status_proof(0).unwrap();
        let chunk = proof.sets.iter().find_map(|set| match set {
            SetShown::Chunk { chunk, .. } => Some(chunk.len()),
            SetShown::Empty | SetShown::Past { .. } => None,
        });
        let sizes = [
            Carried::Credential(certificate.credential.bytes().to_vec()),
            Carried::Certificate(certificate.to_bytes()),
        ]
        .map(|carried| {
            let proof = proof.to_bytes();
            let both = WithStatus { carried, proof };
            let code = Code::draw(&both.code_text()).unwrap();
            (both.to_bytes().len(), code.version())
        });
        println!(
            "{:>7}  {:>12}  {:>5}   {:>22}  {:>7}   {:>23}  {:>7}",
            1 + batches * 4_096,
            proof.to_bytes().len(),
            chunk.unwrap(),
            sizes[0].0,
            sizes[0].1,
            sizes[1].0,
            sizes[1].1
        );
        assert!(sizes[0].0 < MOST_WITH_STATUS, "{sizes:?}");
    }
}

/// A row of the shipped type with every cell at the longest that the definition allows.
fn longest_row(definition: &TypeDefinition) -> String {
    let bounds = definition.bounds();
    let (number, name, latin) = (bounds.printed_number, bounds.holder_name, bounds.holder_latin_name);
    let text = |claim: usize| {
        let ClaimKind::Text { max_bytes } = &definition.claims()[claim].kind else {
            panic!("claim {claim} is no text");
        };
        "X".repeat(*max_bytes)
    };
    let header = "printed_number,holder_name,holder_latin_name,holder_code_type,holder_code,birth_date,sex,nationality,\
                  licence_class,first_issued_on,issued_on,valid_from,valid_until,address,remarks";
    let cells = [
        "X".repeat(number),
        "X".repeat(name),
        "X".repeat(latin),
        "passport".to_owned(),
        "X".repeat(bounds.holder_code),
        "2999-12-31".to_owned(),
        "F".to_owned(),
        "CHN".to_owned(),
        "A1".to_owned(),
        "2999-12-31".to_owned(),
        "2999-12-31".to_owned(),
        "2999-12-31".to_owned(),
        "2999-12-31".to_owned(),
        text(5),
        text(6),
    ];
    format!("{header}\n{}\n", cells.join(","))
}

#[test]
fn a_real_certificate_at_the_most_of_every_bound_has_the_size_that_is_told_at_worst() {
    let definition = TypeDefinition::parse(DEFINITION).unwrap();
    let rows = parse_sheet(longest_row(&definition).as_bytes(), &definition).unwrap();
    let office = Named {
        name: "X".repeat(definition.bounds().office_name),
        code: "11110000000000001X".to_owned(),
    };
    let content = rows[0].content([7; 16], office);
    let world = world();
    let issuer = Issuer {
        chain: world.state.charter().chain.clone(),
        office: world.office().unwrap(),
    };
    let told = worst_case(&definition, world.type_ref().id, &issuer, 34);
    for (size, (batch, records)) in told.into_iter().zip(BATCHES) {
        assert_eq!((size.batch, size.records), (batch, records));
        let (batch, records) = (usize::try_from(batch).unwrap(), usize::try_from(records).unwrap());
        let made = certificates(std::slice::from_ref(&content), batch, records);
        for mut certificate in made {
            assert_eq!(certificate.credential.bytes().len(), size.credential);
            // A young ledger counts in fewer bytes than an old one.
            let receipt = &mut certificate.receipt;
            receipt.essence.series = SeriesId(u32::MAX);
            receipt.essence.first = Number(u64::from(u32::MAX));
            receipt.height = Height(u64::from(u32::MAX));
            receipt.index = receipt.records - 1;
            receipt.seal.round = u32::MAX;
            assert_eq!(certificate.to_bytes().len(), size.certificate);
            let code = Code::draw(&certificate.code_text()).unwrap();
            assert_eq!(Some(code.version()), size.code_version);
        }
    }
    assert!(told[0].gets_full_code() && !told[1].gets_full_code(), "{told:?}");
}
