//! Writes the inputs that fuzzing begins with: good messages of every kind, and configurations.

use std::fs;
use std::io;
use std::path::Path;

use vitalsd_fuzz::{Agent, datagram, seeds};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let agent = Agent::default();
    let write = |target: &str, inputs: &[Vec<u8>]| -> io::Result<()> {
        let directory = root.join("corpus").join(target);
        fs::create_dir_all(&directory)?;
        for (place, input) in inputs.iter().enumerate() {
            fs::write(directory.join(format!("seed-{place}")), input)?;
        }
        println!("{}: {} inputs", directory.display(), inputs.len());
        Ok(())
    };
    let engine = seeds(&agent);
    write("decode", &engine.iter().map(|seed| datagram(&agent, seed)).collect::<Vec<_>>())?;
    let pdus = engine.iter().filter(|seed| matches!(seed.first(), Some(1 | 2))).cloned();
    write("roundtrip", &pdus.collect::<Vec<_>>())?;
    write("engine", &engine)?;
    let mut texts = Vec::new();
    for entry in fs::read_dir(root.join("../config"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            texts.push(fs::read(path)?);
        }
    }
    write("config", &texts)
}
