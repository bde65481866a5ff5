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
use concord_spec::id::{Height, Number, SeriesId, TypeId};
use concord_spec::world::World;

const DEFINITION: &str = include_str!("../samples/drivers-licence.type.toml");
const SHEET: &str = include_str!("../samples/drivers-licences.csv");
/// A certificate that fits a code which a telephone reads from paper.
const MOST_BYTES: usize = 1_000;

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
