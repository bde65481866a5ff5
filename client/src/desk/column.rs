//! Columns: what the header of a sheet names.

/// Columns that every type has (DESIGN 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Common {
    PrintedNumber,
    Identifier,
    HolderName,
    HolderLatinName,
    HolderCodeType,
    HolderCode,
    HolderKey,
    IssuedOn,
    ValidFrom,
    ValidUntil,
}

impl Common {
    pub(super) const ALL: [Self; 10] = [
        Self::PrintedNumber,
        Self::Identifier,
        Self::HolderName,
        Self::HolderLatinName,
        Self::HolderCodeType,
        Self::HolderCode,
        Self::HolderKey,
        Self::IssuedOn,
        Self::ValidFrom,
        Self::ValidUntil,
    ];

    /// Name, Chinese and English label.
    const fn words(self) -> [&'static str; 3] {
        match self {
            Self::PrintedNumber => ["printed_number", "证照编号", "Printed number"],
            Self::Identifier => ["identifier", "证照标识", "Identifier"],
            Self::HolderName => ["holder_name", "姓名", "Name"],
            Self::HolderLatinName => ["holder_latin_name", "拉丁姓名", "Latin name"],
            Self::HolderCodeType => ["holder_code_type", "证件类型", "Document type"],
            Self::HolderCode => ["holder_code", "证件号码", "Document number"],
            Self::HolderKey => ["holder_key", "持证人公钥", "Holder key"],
            Self::IssuedOn => ["issued_on", "颁发日期", "Issued on"],
            Self::ValidFrom => ["valid_from", "有效期起", "Valid from"],
            Self::ValidUntil => ["valid_until", "有效期止", "Valid until"],
        }
    }

    pub(super) const fn name(self) -> &'static str {
        let [name, _, _] = self.words();
        name
    }

    /// What a header may call it, in lower case.
    pub(super) fn names(self) -> impl Iterator<Item = String> {
        self.words().into_iter().map(str::to_lowercase)
    }

    /// Whether a sheet must have it and every row fill it.
    pub(super) const fn is_required(self) -> bool {
        !matches!(self, Self::Identifier | Self::HolderLatinName | Self::HolderKey)
    }
}

/// Letters of a column as spreadsheet programs count: A to Z, AA and on; `index` from 0.
pub(super) fn letters(index: usize) -> String {
    let (mut rest, mut letters) = (index + 1, Vec::new());
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + letter));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_lettered_as_spreadsheet_programs_do() {
        let named = [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (51, "AZ"),
            (52, "BA"),
            (701, "ZZ"),
            (702, "AAA"),
        ];
        for (index, name) in named {
            assert_eq!(letters(index), name);
        }
    }
}
