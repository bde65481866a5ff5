//! CBOR as a tree of items, written again with one item spelled in another way.

/// One data item.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) major: u8,
    /// Number, length or count; of major type 7, the head as it stands.
    pub(crate) argument: u64,
    /// What a string holds.
    pub(crate) content: Vec<u8>,
    /// Elements; of a map, keys and values in turn.
    pub(crate) children: Vec<Item>,
    /// A byte string that holds an array or a map and nothing else.
    pub(crate) inner: Option<Box<Item>>,
}

/// Another way to write one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// The head's number in 1, 2, 4 or 8 bytes, more than it needs.
    LongHead(u32),
    /// No length, and a break at the end.
    Indefinite,
    /// This pair of a map changes places with the next.
    Swap(usize),
    /// The last pair of a map stands there twice.
    Double,
    /// A map has a key more that no structure knows.
    MoreKeys,
    /// An array has a null more.
    MoreItems,
    /// A tag before the item.
    Tag,
    /// `undefined` in the place of `null`.
    Undefined,
    /// The head claims this; behind it stands what stood there, and then nothing.
    Claim(u64),
    /// A string is this long.
    Long(usize),
}

/// Reads one item from the front.
pub(crate) fn parse(bytes: &[u8]) -> Option<(Item, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let width = match first & 0x1f {
        0..=23 => 0,
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let mut argument = u64::from(first & 0x1f);
    if width > 0 {
        let (number, after) = rest.split_at_checked(width)?;
        argument = number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        rest = after;
    }
    let mut item = Item {
        major: first >> 5,
        argument,
        content: Vec::new(),
        children: Vec::new(),
        inner: None,
    };
    match item.major {
        2 | 3 => {
            let (content, after) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
            item.content = content.to_vec();
            rest = after;
            if item.major == 2 {
                let inner = parse(content).filter(|(inner, left)| left.is_empty() && matches!(inner.major, 4 | 5));
                item.inner = inner.map(|(inner, _)| Box::new(inner));
            }
        }
        4 | 5 => {
            for _ in 0..argument * u64::from(item.major - 3) {
                let child;
                (child, rest) = parse(rest)?;
                item.children.push(child);
            }
        }
        6 => {
            let child;
            (child, rest) = parse(rest)?;
            item.children.push(child);
        }
        _ => {}
    }
    Some((item, rest))
}

impl Item {
    /// Every item of the tree, each before its children; `embedded` also those within byte strings.
    pub(crate) fn all(&self, embedded: bool) -> Vec<&Self> {
        let inner = self.inner.iter().filter(|_| embedded).map(|inner| &**inner);
        let below = self.children.iter().chain(inner);
        std::iter::once(self)
            .chain(below.flat_map(|child| child.all(embedded)))
            .collect()
    }

    /// The ways to write it that mean the same to a lenient decoder, or something that no structure has.
    pub(crate) fn changes(&self) -> Vec<Spelling> {
        let mut changes = vec![Spelling::Tag];
        let least = match self.argument {
            0..24 => 0,
            24..0x100 => 1,
            0x100..0x1_0000 => 2,
            0x1_0000..0x1_0000_0000 => 4,
            _ => 8,
        };
        let longer = [1, 2, 4, 8].into_iter().filter(|width| *width > least);
        match self.major {
            0 | 1 => changes.extend(longer.map(Spelling::LongHead)),
            2 | 3 => {
                changes.extend(longer.map(Spelling::LongHead));
                changes.push(Spelling::Indefinite);
            }
            4 => {
                changes.extend(longer.map(Spelling::LongHead));
                changes.extend([Spelling::Indefinite, Spelling::MoreItems]);
            }
            5 => {
                changes.extend(longer.map(Spelling::LongHead));
                changes.extend([Spelling::Indefinite, Spelling::MoreKeys]);
                changes.extend((!self.children.is_empty()).then_some(Spelling::Double));
                changes.extend((1..self.children.len() / 2).map(|pair| Spelling::Swap(pair - 1)));
            }
            // Simple values in two bytes.
            7 if self.argument < 24 => {
                changes.push(Spelling::LongHead(1));
                if self.argument == 22 {
                    changes.push(Spelling::Undefined);
                }
            }
            _ => {}
        }
        changes
    }

    /// The encoding, with the `at`-th item of [`Self::all`] changed. A claim and its children end the output.
    pub(crate) fn write(&self, embedded: bool, at: usize, change: Spelling) -> Vec<u8> {
        let mut writer = Writer {
            embedded,
            next: 0,
            at,
            change,
            ended: false,
        };
        let mut out = Vec::new();
        writer.item(self, &mut out);
        out
    }
}

struct Writer {
    embedded: bool,
    next: usize,
    at: usize,
    change: Spelling,
    ended: bool,
}

impl Writer {
    fn item(&mut self, item: &Item, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        let here = (self.next == self.at).then_some(self.change);
        self.next += 1;
        let mut body = Vec::new();
        let inner = item.inner.as_ref().filter(|_| self.embedded);
        match inner {
            Some(inner) => self.item(inner, &mut body),
            None => body.extend(&item.content),
        }
        let children: Vec<Vec<u8>> = item
            .children
            .iter()
            .map(|child| {
                let mut bytes = Vec::new();
                self.item(child, &mut bytes);
                bytes
            })
            .collect();
        let count = if inner.is_some() {
            length(body.len())
        } else {
            item.argument
        };
        let mut spelled = Spelled {
            argument: count,
            width: None,
            body,
            children,
        };
        if here == Some(Spelling::Indefinite) {
            return spelled.indefinite(item.major, out);
        }
        self.ended |= matches!(here, Some(Spelling::Claim(_)));
        if here == Some(Spelling::Tag) {
            out.push(0xc1);
        }
        if let Some(change) = here {
            spelled.change(change);
        }
        head(item.major, spelled.argument, spelled.width, out);
        out.extend(spelled.body);
        out.extend(spelled.children.concat());
    }
}

/// An item about to be written.
struct Spelled {
    argument: u64,
    width: Option<u32>,
    body: Vec<u8>,
    children: Vec<Vec<u8>>,
}

impl Spelled {
    fn change(&mut self, change: Spelling) {
        match change {
            Spelling::LongHead(bytes) => self.width = Some(bytes),
            Spelling::Swap(pair) => {
                self.children.swap(2 * pair, 2 * pair + 2);
                self.children.swap(2 * pair + 1, 2 * pair + 3);
            }
            Spelling::Double => {
                let last = self.children[self.children.len() - 2..].to_vec();
                self.children.extend(last);
                self.argument += 1;
            }
            Spelling::MoreKeys => {
                // -70000: sorts behind every key we have.
                self.children.push(vec![0x3a, 0x00, 0x01, 0x11, 0x6f, 0x00]);
                self.argument += 1;
            }
            Spelling::MoreItems => {
                self.children.push(vec![0xf6]);
                self.argument += 1;
            }
            Spelling::Undefined => self.argument = 23,
            Spelling::Claim(claim) => self.argument = claim,
            Spelling::Long(len) => {
                self.body = vec![b'a'; len];
                self.argument = length(len);
            }
            Spelling::Indefinite | Spelling::Tag => {}
        }
    }

    fn indefinite(&self, major: u8, out: &mut Vec<u8>) {
        out.push(major << 5 | 0x1f);
        if matches!(major, 2 | 3) {
            head(major, length(self.body.len()), None, out);
            out.extend(&self.body);
        }
        out.extend(self.children.concat());
        out.push(0xff);
    }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}

fn head(major: u8, argument: u64, width: Option<u32>, out: &mut Vec<u8>) {
    let least = match argument {
        0..24 => 0,
        24..0x100 => 1,
        0x100..0x1_0000 => 2,
        0x1_0000..0x1_0000_0000 => 4,
        _ => 8,
    };
    let width = width.unwrap_or(least);
    let info = match width {
        0 => u8::try_from(argument).unwrap(),
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    out.push(major << 5 | info);
    out.extend(&argument.to_be_bytes()[8 - usize::try_from(width).unwrap()..]);
}
