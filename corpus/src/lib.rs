//! Test programs with recorded reference answers, and their runner.
