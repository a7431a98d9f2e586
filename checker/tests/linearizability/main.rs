//! Linearizability against a checker that tries everything, on many small random histories, and the words of some
//! explanations.

mod brute_force;
mod budgets;
mod explanations;
mod generator;
mod random;
mod random_histories;
