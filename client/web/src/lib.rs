//! The verifier page's engine (DESIGN 4.9, 6): what the page is shown is read by `concord-code` and judged by `concord-spec`, the
//! same code as in the program `concord`. `engine` answers questions in JSON (`question`), or says why not (`refusal`); `boundary` is how
//! JavaScript asks.
//! Not here: anything that is shown (`client/web/page`), the network, storage, the clock.

pub mod boundary;
pub mod engine;
mod question;
mod refusal;

pub use engine::Engine;
