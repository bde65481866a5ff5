//! What is offered to the nodes: records signed before the clock starts, since signing is the offices' work, not the nodes'.

use concord_spec::record::SignedRecord;
use concord_tests::{Api, Book, Cluster, Office, Result};

/// A series and the node that its office talks to.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The node.
    pub(crate) node: usize,
    /// Its API, on connections of the desk's own.
    pub(crate) api: Api,
    book: Book,
}

/// The records of one desk in their order.
#[derive(Debug)]
pub(crate) struct Pile {
    /// The node.
    pub(crate) node: usize,
    /// Its API, on connections of the desk's own.
    pub(crate) api: Api,
    /// The records.
    pub(crate) records: Vec<SignedRecord>,
}

/// Everything offered in one phase.
#[derive(Debug)]
pub(crate) struct Offer {
    /// By desk.
    pub(crate) piles: Vec<Pile>,
    /// Credentials a record.
    pub(crate) credentials: u64,
}

/// Registers an office in each region and opens `series` series at each node.
pub(crate) fn open(cluster: &Cluster, series: usize) -> Result<Vec<Desk>> {
    let mut desks = Vec::new();
    for (node, running) in cluster.nodes().iter().enumerate() {
        let mut office = Office::register(cluster, node, 1, 1)?;
        for number in 0..series {
            let book = office.open_series(running.api(), &format!("desk {number}"))?;
            desks.push(Desk {
                node,
                api: Api::new(&running.run()?.api),
                book,
            });
        }
    }
    Ok(desks)
}

/// Signs `total` records of `credentials` credentials each, spread evenly over the desks.
pub(crate) fn presign(desks: &mut [Desk], total: usize, credentials: u64) -> Offer {
    let each = total.div_ceil(desks.len().max(1));
    let sign = |desk: &mut Desk| Pile {
        node: desk.node,
        api: desk.api.clone(),
        records: (0..each).map(|_| desk.book.issue(credentials)).collect(),
    };
    Offer {
        piles: desks.iter_mut().map(sign).collect(),
        credentials,
    }
}
