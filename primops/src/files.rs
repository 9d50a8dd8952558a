//! Primops: files.

use nivis_eval::primop::Primop;

pub(super) static TABLE: &[Primop] = &[];
