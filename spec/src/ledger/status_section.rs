//! Section `status/<type>/<region>`: the status of each series, in the order they were opened (DESIGN 4.5).

use crate::digest::Digest;
use crate::id::SeriesId;
use crate::merkle::Tree;
use crate::status::SeriesStatus;
use rpds::RedBlackTreeMapSync;

/// A tree over series, leaf = `[series, next number, roots of its sets]`, updated in place.
///
/// Series ids grow in the order of opening, so that position and id order agree.
#[derive(Debug, Clone, Default)]
pub struct StatusSection {
    series: RedBlackTreeMapSync<SeriesId, (usize, SeriesStatus)>,
    tree: Tree,
}

impl StatusSection {
    /// The status of a series.
    #[must_use]
    pub fn series(&self, id: SeriesId) -> Option<&SeriesStatus> {
        self.series.get(&id).map(|(_, status)| status)
    }

    /// Every series in the order of opening.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesId, &SeriesStatus)> {
        self.series.iter().map(|(id, (_, status))| (*id, status))
    }

    /// The section's root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// Place of a series, number of series, and the path of its leaf under [`Self::root`].
    #[must_use]
    pub fn path(&self, id: SeriesId) -> Option<(usize, usize, Vec<Digest>)> {
        let (position, _) = self.series.get(&id)?;
        Some((*position, self.tree.len(), self.tree.path(*position)?))
    }

    /// Puts the status of a series in its place; a series not seen before comes last.
    pub(crate) fn put(&mut self, id: SeriesId, status: SeriesStatus) {
        let leaf = status.leaf(id);
        let position = match self.series.get(&id) {
            Some((position, _)) => {
                let position = *position;
                self.tree.set(position, leaf);
                position
            }
            None => {
                let position = self.tree.len();
                self.tree.push(leaf);
                position
            }
        };
        self.series.insert_mut(id, (position, status));
    }
}
