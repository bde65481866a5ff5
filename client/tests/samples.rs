//! What the repository ships as samples.

#[path = "../examples/sample_rows.rs"]
#[expect(dead_code, reason = "its main writes to the standard output")]
mod sample_rows;

#[test]
fn the_shipped_sheet_is_what_the_generator_makes() {
    let shipped = include_str!("../samples/drivers-licences.csv");
    assert!(
        shipped == sample_rows::sheet().unwrap(),
        "run the example sample_rows again"
    );
}
