//! Every reason for which a bundle is refused. What was held is then as it was.
