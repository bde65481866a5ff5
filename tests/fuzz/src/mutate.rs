//! Mutations that keep CBOR well-formed and deterministic, so that what is changed is judged by the structures and not
//! only by the first pass over the bytes. One mutation in sixteen is libFuzzer's own, several follow each other.

/// One data item.
struct Item {
    major: u8,
    argument: u64,
    /// The bytes of a string that is not CBOR itself; of a float, the head as it stands.
    content: Vec<u8>,
    /// Elements, pairs in turn, or the array or map within a byte string.
    children: Vec<Self>,
}

/// Arguments around which heads and bounds change.
const NUMBERS: [u64; 12] = [0, 1, 2, 3, 23, 24, 255, 256, 65_535, 65_536, 1 << 32, u64::MAX];

/// As libFuzzer asks for: changes the first `size` of `bytes`, and says how many there are now.
pub fn mutate(bytes: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 32 | 0x9e37_79b9);
    if random.below(16) > 0
        && let Some((mut item, [])) = parse(&bytes[..size], 0)
    {
        for _ in 0..=random.below(3) {
            let at = random.below(item.count());
            item.at(at).expect("an item of the tree").change(&mut random);
        }
        let mut out = Vec::new();
        item.write(&mut out);
        if out.len() <= max_size {
            bytes[..out.len()].copy_from_slice(&out);
            return out.len();
        }
    }
    libfuzzer_sys::fuzzer_mutate(bytes, size, max_size)
}

fn parse(bytes: &[u8], depth: usize) -> Option<(Item, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let (major, info) = (first >> 5, first & 0x1f);
    let width = match info {
        0..=23 => 0,
        24..=27 => 1 << (info - 24),
        _ => return None,
    };
    let mut item = Item {
        major,
        argument: u64::from(info),
        content: Vec::new(),
        children: Vec::new(),
    };
    if width > 0 {
        let (number, after) = rest.split_at_checked(width)?;
        item.argument = number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        rest = after;
    }
    match major {
        2 | 3 => {
            let content;
            (content, rest) = rest.split_at_checked(usize::try_from(item.argument).ok()?)?;
            match parse(content, depth + 1) {
                Some((inner, [])) if major == 2 && matches!(inner.major, 4 | 5) => item.children.push(inner),
                _ => item.content = content.to_vec(),
            }
        }
        4..=6 if depth < 24 => {
            let factor = if major == 5 { 2 } else { 1 };
            let count = if major == 6 {
                1
            } else {
                item.argument.checked_mul(factor)?
            };
            for _ in 0..count {
                let child;
                (child, rest) = parse(rest, depth + 1)?;
                item.children.push(child);
            }
        }
        4..=6 => return None,
        7 if width > 0 => item.content = bytes[..=width].to_vec(),
        _ => {}
    }
    Some((item, rest))
}

impl Item {
    fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    fn at(&mut self, mut at: usize) -> Option<&mut Self> {
        if at == 0 {
            return Some(self);
        }
        at -= 1;
        for child in &mut self.children {
            let count = child.count();
            if at < count {
                return child.at(at);
            }
            at -= count;
        }
        None
    }

    fn change(&mut self, random: &mut Random) {
        match self.major {
            0 | 1 => {
                self.argument = match random.below(4) {
                    0 => self.argument.wrapping_add(1),
                    1 => self.argument.wrapping_sub(1),
                    2 => NUMBERS[random.below(NUMBERS.len())],
                    _ => self.argument ^ 1 << random.below(64),
                }
            }
            2 | 3 if self.children.is_empty() => self.change_content(random),
            4 | 5 => self.change_children(random),
            7 if self.content.is_empty() => self.argument = 20 + u64::try_from(random.below(3)).unwrap_or(0),
            _ => {}
        }
    }

    fn change_content(&mut self, random: &mut Random) {
        let len = self.content.len();
        let byte = u8::try_from(random.below(256)).unwrap_or(0);
        // Many strings have one length only.
        match random.below(8) {
            0 if len > 0 => drop(self.content.remove(random.below(len))),
            1 => self.content.insert(random.below(len + 1), byte),
            2..5 if len > 0 => self.content[random.below(len)] = byte,
            _ if len > 0 => {
                // The same character again: text stays text.
                let again = self.content[random.below(len)];
                self.content[random.below(len)] = again;
            }
            _ => self.content.push(b'a'),
        }
    }

    fn change_children(&mut self, random: &mut Random) {
        let width = if self.major == 5 { 2 } else { 1 };
        let groups = self.children.len() / width;
        if groups == 0 {
            return;
        }
        let at = random.below(groups) * width;
        match random.below(3) {
            0 => drop(self.children.drain(at..at + width)),
            1 => {
                let other = random.below(groups) * width;
                for offset in 0..width {
                    self.children.swap(at + offset, other + offset);
                }
            }
            _ => {
                let again: Vec<Self> = self.children[at..at + width].iter().map(Self::copy).collect();
                self.children.splice(at..at, again);
            }
        }
    }

    fn copy(&self) -> Self {
        Self {
            major: self.major,
            argument: self.argument,
            content: self.content.clone(),
            children: self.children.iter().map(Self::copy).collect(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.children.iter().for_each(|child| child.write(&mut body));
        let argument = match self.major {
            2 | 3 => self.content.len() + body.len(),
            4 => self.children.len(),
            5 => self.children.len() / 2,
            7 if !self.content.is_empty() => return out.extend(&self.content),
            _ => return head(self.major, self.argument, &body, out),
        };
        head(
            self.major,
            u64::try_from(argument).unwrap_or(u64::MAX),
            &self.content,
            out,
        );
        out.extend(body);
    }
}

fn head(major: u8, argument: u64, behind: &[u8], out: &mut Vec<u8>) {
    let (info, width) = match argument {
        0..24 => (u8::try_from(argument).unwrap_or(0), 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | info);
    out.extend(&argument.to_be_bytes()[8 - width..]);
    out.extend(behind);
}

/// Marsaglia's xorshift: what libFuzzer's seed says and nothing else.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}
