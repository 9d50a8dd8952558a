//! What operators mean. Each operation has one home; operators, primops and printing call it.

pub mod arith;
pub mod coerce;
pub mod concat;
mod deep;
pub mod equal;
pub mod order;
pub mod position;
