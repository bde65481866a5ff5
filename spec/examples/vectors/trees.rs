//! RFC 9162 trees: roots, inclusion, consistency (`spec/text/trees.md`).

use super::Error;
use concord_spec::digest::{Digest, leaf_hash};
use concord_spec::merkle::{consistency_path, inclusion_path, root};
use serde_json::{Value, json};

/// Leaves of the largest tree; leaf i holds one byte, i.
const LEAVES: u8 = 11;

fn leaves() -> Vec<Digest> {
    (0..LEAVES).map(|data| leaf_hash(&[data])).collect()
}

fn first(leaves: &[Digest], size: usize) -> Result<&[Digest], Error> {
    leaves.get(..size).ok_or_else(|| "no such tree".into())
}

/// `trees.json`
pub(super) fn file() -> Result<Value, Error> {
    let leaves = leaves();
    let mut roots = Vec::new();
    for size in 0..=leaves.len() {
        roots.push(json!({ "size": size, "root": root(first(&leaves, size)?) }));
    }
    Ok(json!({
        "about": "RFC 9162 trees with SHA-256. Leaf i holds `leaves[i]`. Paths: lowest sibling first. `result`: accept, or the PathError.",
        "leaves": (0..LEAVES).map(|data| hex::encode([data])).collect::<Vec<_>>(),
        "leaf_hashes": leaves,
        "roots": roots,
        "inclusion": inclusion(&leaves)?,
        "consistency": consistency(&leaves)?,
    }))
}

fn inclusion(leaves: &[Digest]) -> Result<Vec<Value>, Error> {
    let vector = |name: &str, index: usize, size: usize, path: &[Digest], result: &str| {
        Ok::<Value, Error>(
            json!({ "name": name, "leaf": leaves.get(index), "index": index, "size": size, "path": path,
                                   "root": root(first(leaves, size)?), "result": result }),
        )
    };
    let mut all = Vec::new();
    for size in [1, 2, 3, 5, 8, 11] {
        for index in 0..size {
            let path = inclusion_path(first(leaves, size)?, index).ok_or("no such leaf")?;
            all.push(vector("a path", index, size, &path, "accept")?);
        }
    }
    let good = inclusion_path(leaves, 5).ok_or("no such leaf")?;
    let mut swapped = good.clone();
    swapped.swap(0, 1);
    let shorter: Vec<Digest> = good.iter().skip(1).copied().collect();
    let longer = [&good[..], &[Digest::ZERO]].concat();
    all.push(vector("siblings swapped", 5, 11, &swapped, "OtherRoot")?);
    all.push(vector("a sibling missing", 5, 11, &shorter, "WrongLength")?);
    all.push(vector("a sibling too many", 5, 11, &longer, "WrongLength")?);
    all.push(vector("the path of another leaf", 4, 11, &good, "OtherRoot")?);
    all.push(vector("the path of a larger tree", 5, 8, &good, "WrongLength")?);
    all.push(vector("past the last leaf", 8, 8, &[], "OutOfRange")?);
    all.push(vector("an empty tree", 0, 0, &[], "OutOfRange")?);
    Ok(all)
}

/// Sizes and roots of two trees, the path between them, and the result.
struct Growth<'a> {
    old: (usize, Digest),
    new: (usize, Digest),
    path: &'a [Digest],
    result: &'static str,
}

impl Growth<'_> {
    fn vector(&self, name: &str) -> Value {
        json!({ "name": name, "old_size": self.old.0, "old_root": self.old.1, "new_size": self.new.0, "new_root": self.new.1,
                "path": self.path, "result": self.result })
    }
}

fn consistency(leaves: &[Digest]) -> Result<Vec<Value>, Error> {
    let tree = |size: usize| Ok::<_, Error>((size, root(first(leaves, size)?)));
    let mut all = Vec::new();
    for new in [1, 2, 3, 7, 8, 11] {
        for old in 0..=new {
            let path = consistency_path(first(leaves, new)?, old).ok_or("no such tree")?;
            let growth = Growth {
                old: tree(old)?,
                new: tree(new)?,
                path: &path,
                result: "accept",
            };
            all.push(growth.vector("a path"));
        }
    }
    let good = consistency_path(leaves, 6).ok_or("no such tree")?;
    let mut swapped = good.clone();
    swapped.swap(0, 1);
    let shorter: Vec<Digest> = good.iter().skip(1).copied().collect();
    let (six, whole) = (tree(6)?, tree(11)?);
    let growth = |old, new, path, result| Growth { old, new, path, result };
    all.push(growth(six, whole, &swapped, "OtherRoot").vector("hashes swapped"));
    all.push(growth(six, whole, &shorter, "WrongLength").vector("a hash missing"));
    all.push(growth((6, tree(5)?.1), whole, &good, "OtherRoot").vector("another old root"));
    all.push(growth(six, (11, tree(10)?.1), &good, "OtherRoot").vector("another new root"));
    all.push(growth(whole, six, &good, "OutOfRange").vector("a larger old tree"));
    all.push(growth(six, six, &good, "WrongLength").vector("the same tree with a path"));
    all.push(growth(six, (6, whole.1), &[], "OtherRoot").vector("the same size, another root"));
    all.push(growth((0, Digest::ZERO), six, &[], "OtherRoot").vector("from nothing, whose root is another"));
    Ok(all)
}
