use super::*;
use crate::desk::definition::ClaimKind;
use crate::desk::identifier::IdentifierError;

const HEADER: &str = "printed_number,identifier,holder_name,holder_latin_name,holder_code_type,holder_code,issued_on,\
                      valid_from,valid_until,birth_date,sex,nationality,licence_class,first_issued_on,address,remarks";
const GOOD: &str = "110105194912310021,,李四,LI Si,resident-id,11010519491231002X,2024-01-01,2024-01-01,2030-01-01,\
                    1949-12-31,F,CHN,C1,1990-05-01,\"北京市, 朝阳区\",";

fn definition() -> TypeDefinition {
    // Without the bounds of its own, those of the format count.
    let shipped = include_str!("../../../../samples/drivers-licence.type.toml");
    let (before, after) = shipped.split_once("[bounds]").unwrap();
    let claims = after.find("[[claims]]").unwrap();
    TypeDefinition::parse(&format!("{before}{}", &after[claims..])).unwrap()
}

fn refused(sheet: &str) -> Refusal {
    let error = parse_sheet(sheet.as_bytes(), &definition()).unwrap_err();
    let SheetError::Refused(refusal) = error else {
        panic!("{error}")
    };
    refusal
}

/// The only error of a sheet of one row in which `from` was replaced.
fn only_error(from: &str, to: &str) -> RowError {
    assert!(GOOD.contains(from));
    let refusal = refused(&format!("{HEADER}\n{}\n", GOOD.replacen(from, to, 1)));
    assert_eq!(refusal.total, 1, "{refusal}");
    refusal.listed[0].clone()
}

#[test]
fn a_good_row_gives_what_it_says() {
    let rows = parse_sheet(format!("{HEADER}\n{GOOD}\n").as_bytes(), &definition()).unwrap();
    let [row] = rows.as_slice() else { panic!("one row") };
    assert_eq!(row.line, 2);
    assert_eq!(row.printed_number, "110105194912310021");
    assert_eq!(row.holder.name, "李四");
    assert_eq!(row.holder.latin_name.as_deref(), Some("LI Si"));
    assert_eq!(row.holder.code_type, HolderCodeType::ResidentId);
    assert_eq!(row.validity, Validity::Until("2030-01-01".parse().unwrap()));
    assert_eq!(row.claims[0], (100, ClaimValue::Day("1949-12-31".parse().unwrap())));
    assert_eq!(row.claims[5], (105, ClaimValue::Text("北京市, 朝阳区".to_owned())));
    assert_eq!(row.claims.len(), 6, "an empty optional claim is absent");
}

#[test]
fn the_header_may_use_chinese_or_english_labels_in_any_order_after_a_byte_order_mark() {
    let sheet = "\u{feff}准驾车型,姓名,DOCUMENT TYPE,证件号码,Printed number,颁发日期,有效期起,有效期止,出生日期,性别,国籍,first issued on\r\n\
                 A1,买买提·吐尔逊,居民身份证,11010519491231002X,7,2024-01-01,2024-01-01,长期,1949-12-31,M,CHN,1990-05-01\r\n";
    let rows = parse_sheet(sheet.as_bytes(), &definition()).unwrap();
    assert_eq!(rows[0].validity, Validity::NoEnd);
    assert_eq!(rows[0].holder.name, "买买提·吐尔逊");
    assert!(rows[0].claims.contains(&(103, ClaimValue::Text("A1".to_owned()))));
}

#[test]
fn each_wrong_cell_is_named_with_line_and_column() {
    let error = only_error("2024-01-01,2024-01-01", "2024-13-01,2024-01-01");
    assert_eq!((error.line, error.problem.clone()), (2, Problem::NoSuchDay));
    let place = error.place.clone().unwrap();
    assert_eq!(
        (place.number, place.letters.as_str(), place.name.as_str()),
        (7, "G", "issued_on")
    );
    assert!(
        error
            .to_string()
            .starts_with("line 2, column G (issued_on): \"2024-13-01\": "),
        "{error}"
    );
    assert_eq!(only_error("李四", "").problem, Problem::Required);
    assert_eq!(
        only_error("李四", &"李".repeat(43)).problem,
        Problem::TooLong { length: 129, max: 128 }
    );
    assert_eq!(
        only_error("LI Si", "李四").problem,
        Problem::NotLatin {
            position: 1,
            found: '李'
        }
    );
    assert_eq!(
        only_error("李四", "李\u{200b}四").problem,
        Problem::Invisible {
            position: 2,
            code_point: 0x200b
        }
    );
    assert!(
        matches!(only_error(",C1,", ",Z9,").problem, Problem::NotInList { allowed } if allowed.starts_with("A1, A2"))
    );
    assert!(matches!(
        only_error("resident-id", "social-credit").problem,
        Problem::NotInList { .. }
    ));
    assert_eq!(
        only_error("2030-01-01", "2023-12-31").problem,
        Problem::EndsBeforeItStarts("2024-01-01".to_owned())
    );
    let check = IdentifierError::Check {
        expected: 'X',
        found: '1',
    };
    assert_eq!(
        only_error("11010519491231002X", "110105194912310021").problem,
        Problem::Identifier(check)
    );
}

#[test]
fn a_day_of_validity_that_ends_where_it_starts_is_one_day() {
    let sheet = format!("{HEADER}\n{}\n", GOOD.replace("2030-01-01", "2024-01-01"));
    assert!(parse_sheet(sheet.as_bytes(), &definition()).is_ok());
}

#[test]
fn a_certificate_identifier_with_a_wrong_check_character_is_refused() {
    let right = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";
    let with = |identifier: &str| format!("{HEADER}\n{}\n", GOOD.replacen(",,", &format!(",{identifier},"), 1));
    let rows = parse_sheet(with(right).as_bytes(), &definition()).unwrap();
    assert_eq!(rows[0].identifier.as_deref(), Some(right));
    let refusal = refused(&with(&right.replace(".001.U", ".001.V")));
    let check = IdentifierError::Check {
        expected: 'U',
        found: 'V',
    };
    assert_eq!(refusal.listed[0].problem, Problem::Identifier(check));
}

#[test]
fn one_wrong_row_refuses_the_whole_sheet_and_all_errors_are_told_in_order() {
    let wrong = GOOD
        .replace("李四", "")
        .replace(",C1,", ",Z9,")
        .replace("110105194912310021,", "2,");
    let last = GOOD
        .replace("1990-05-01", "1990-5-1")
        .replace("110105194912310021,", "3,");
    let refusal = refused(&format!("{HEADER}\n{GOOD}\n{wrong}\n{last}\n"));
    let places: Vec<_> = refusal
        .listed
        .iter()
        .map(|error| (error.line, error.place.clone().unwrap().letters))
        .collect();
    assert_eq!(places, [(3, "C".to_owned()), (3, "M".to_owned()), (4, "N".to_owned())]);
}

#[test]
fn a_number_that_occurs_twice_names_the_first_line() {
    let refusal = refused(&format!("{HEADER}\n{GOOD}\n{GOOD}\n"));
    assert_eq!(refusal.listed[0].problem, Problem::Duplicate(2));
    assert_eq!(refusal.listed[0].line, 3);
}

#[test]
fn lines_are_those_of_the_file_even_after_a_cell_of_several_lines_and_an_empty_line() {
    let several = GOOD.replace("北京市, 朝阳区", "北京市\n朝阳区");
    let refusal = refused(&format!(
        "{HEADER}\n{several}\n\n{}\n",
        GOOD.replace("李四", "").replace("21,", "22,")
    ));
    let found: Vec<_> = refusal
        .listed
        .iter()
        .map(|error| (error.line, error.problem.clone()))
        .collect();
    assert_eq!(
        found,
        [
            (
                2,
                Problem::Invisible {
                    position: 4,
                    code_point: 10
                }
            ),
            (5, Problem::Required)
        ]
    );
}

#[test]
fn a_header_that_does_not_fit_the_type_is_refused_before_the_rows() {
    let refusal = refused(&format!(
        "{}\nx\n",
        HEADER.replace("sex", "colour").replace("remarks", "住址")
    ));
    let problems: Vec<_> = refusal.listed.iter().map(|error| error.problem.clone()).collect();
    assert_eq!(
        problems,
        [
            Problem::UnknownColumn,
            Problem::DuplicateColumn("O".to_owned()),
            Problem::MissingColumn("sex".to_owned())
        ]
    );
}

#[test]
fn a_line_with_too_few_or_too_many_cells_is_refused() {
    let refusal = refused(&format!("{HEADER}\n{GOOD},x\na,b\n,,,\n"));
    let problems: Vec<_> = refusal.listed.iter().map(|error| error.problem.clone()).collect();
    assert_eq!(
        problems,
        [
            Problem::Cells { expected: 16, got: 17 },
            Problem::Cells { expected: 16, got: 2 },
            Problem::EmptyRow
        ]
    );
}

#[test]
fn errors_past_a_hundred_are_counted() {
    let rows = format!("{}\n", GOOD.replace("李四", "")).repeat(150);
    let refusal = refused(&format!("{HEADER}\n{rows}"));
    // Each row lacks the name, and all but the first repeat its number.
    assert_eq!((refusal.listed.len(), refusal.total), (100, 299));
    assert!(refusal.to_string().ends_with("and 199 more"));
}

#[test]
fn sheets_that_are_no_sheets_each_have_their_reason() {
    let reason = |bytes: &[u8]| parse_sheet(bytes, &definition()).unwrap_err();
    assert!(matches!(reason(b""), SheetError::NoRows));
    assert!(matches!(reason(HEADER.as_bytes()), SheetError::NoRows));
    assert!(matches!(
        reason(HEADER.replace(',', ";").as_bytes()),
        SheetError::Separator("semicolons")
    ));
    assert!(matches!(
        reason(HEADER.replace(',', "\t").as_bytes()),
        SheetError::Separator("tabs")
    ));
    assert!(matches!(
        reason(&[0xff, 0xfe, b'a', 0]),
        SheetError::NotUtf8 { line: 1, .. }
    ));
    // 姓名 in GBK, on the second line.
    let gbk = [b"printed_number\n".as_slice(), &[0xd0, 0xd5, 0xc3, 0xfb]].concat();
    assert!(matches!(reason(&gbk), SheetError::NotUtf8 { line: 2, .. }));
    assert!(matches!(reason(&vec![b'a'; 33 << 20]), SheetError::TooLarge));
}

#[test]
fn the_template_of_a_type_is_a_header_that_its_reader_takes() {
    let error = parse_sheet(template(&definition()).as_bytes(), &definition()).unwrap_err();
    assert!(matches!(error, SheetError::NoRows), "{error}");
}

#[test]
fn the_shipped_sheet_passes_with_every_row() {
    let rows = parse_sheet(
        include_bytes!("../../../../samples/drivers-licences.csv"),
        &definition(),
    )
    .unwrap();
    assert!(rows.len() >= 240);
    let definition = definition();
    let classes = definition
        .claims()
        .iter()
        .find(|claim| claim.name == "licence_class")
        .unwrap();
    let ClaimKind::Code(classes) = &classes.kind else {
        panic!("a list")
    };
    let used = |class: &str| {
        rows.iter()
            .any(|row| row.claims.contains(&(103, ClaimValue::Text(class.to_owned()))))
    };
    assert!(
        classes.keys().filter(|class| used(class)).count() >= 8,
        "a realistic sheet has many classes"
    );
    assert!(rows.iter().any(|row| row.validity == Validity::NoEnd));
    assert!(rows.iter().any(|row| row.holder.code_type == HolderCodeType::Passport));
}

#[test]
fn the_content_of_every_shipped_row_fits_the_type_as_the_ledger_holds_it_and_comes_back_from_its_bytes() {
    use concord_spec::codec::{from_slice, to_vec};
    use concord_spec::content::{Content, Named};
    let definition = definition();
    let entry = definition.catalogue_entry(definition.id().clone());
    for row in parse_sheet(include_bytes!("../../../../samples/drivers-licences.csv"), &definition).unwrap() {
        let office = Named {
            name: "杭州市公安局交通警察支队".to_owned(),
            code: "330100".to_owned(),
        };
        let content = row.content([7; 16], office);
        assert_eq!(content.fits(&entry), Ok(()));
        let again: Content = from_slice(&to_vec(&content), 4_096).unwrap();
        assert_eq!(again.holders[0].name, row.holder.name);
        assert_eq!(again.own.len(), row.claims.len());
    }
}

#[test]
fn a_text_longer_than_its_type_allows_is_refused_though_the_format_would_hold_it() {
    let shipped = TypeDefinition::parse(include_str!("../../../../samples/drivers-licence.type.toml")).unwrap();
    let most = shipped.bounds().printed_number;
    assert!(most < 64);
    let sheet = include_str!("../../../../samples/drivers-licences.csv");
    let mut lines = sheet.lines();
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    let longer = row.split_once(',').unwrap().1;
    let of = |length: usize| format!("{header}\n{},{longer}\n", "1".repeat(length));
    assert!(parse_sheet(of(most).as_bytes(), &shipped).is_ok());
    let refused = parse_sheet(of(most + 1).as_bytes(), &shipped).unwrap_err().to_string();
    assert!(refused.contains("printed_number"), "{refused}");
}
