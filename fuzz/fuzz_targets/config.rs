//! Any text as a configuration: findings, never a panic; what is taken is written and taken again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vitalsd::config::load_text;

fuzz_target!(|text: &str| {
    if let Ok((config, _)) = load_text("fuzz.toml", text, false) {
        let _ = config.effective();
    }
});
