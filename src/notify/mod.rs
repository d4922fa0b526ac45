//! Notifications.

pub mod config;
