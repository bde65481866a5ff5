//! Binding the listening address.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{Multiaddr, Swarm};
use tokio::time::timeout;

use super::{super::NetworkError, Protocols, SwarmTask};

const BIND_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn bind(swarm: &mut Swarm<Protocols>, address: &Multiaddr) -> Result<(), NetworkError> {
    swarm
        .listen_on(address.clone())
        .map(|_| ())
        .map_err(|error| NetworkError::Listen {
            address: address.clone(),
            reason: error.to_string(),
        })
}

impl SwarmTask {
    /// Turns the swarm until it has told an address it listens on.
    pub(super) async fn until_bound(&mut self) -> Result<(), NetworkError> {
        let bound = timeout(BIND_TIMEOUT, async {
            while self.status.borrow().listen_addresses.is_empty() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event);
            }
        });
        bound.await.map_err(|_| NetworkError::NotBound)
    }
}
