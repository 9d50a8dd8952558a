//! The lazy evaluator: values, thunks, calls, printing.
