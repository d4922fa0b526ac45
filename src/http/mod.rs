//! HTTP.

pub mod config;
