//! Codes: from the bytes of a certificate to a QR code on paper or on a terminal (DESIGN 4.8).
//! Not here: reading codes ([`crate::scan`]), PDF (later).

mod code;
mod payload;
mod picture;

pub use code::{Code, CodeError, MAX_CODE_CHARS};
pub use payload::{CodeKind, code_text};
pub use picture::{PictureError, PixelsPerModule};
