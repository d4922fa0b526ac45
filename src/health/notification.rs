//! placeholder
pub struct Notification {
    pub arc: u32,
    pub object: &'static str,
    pub help: &'static str,
    pub columns: &'static [u32],
}
pub static NOTIFICATIONS: &[Notification] = &[];
