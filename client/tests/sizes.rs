//! What the shipped type's certificates take up, at 34 regions: bytes, and the version of their codes (DESIGN 4.8).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use concord_client::desk::definition::TypeDefinition;
use concord_client::desk::sheet::parse_sheet;
use concord_client::render::Code;
use concord_spec::certificate::Certificate;
use concord_spec::content::{Content, Named};
use concord_spec::id::TypeId;
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
