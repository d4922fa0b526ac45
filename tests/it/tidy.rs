//! The house rules that a reader would otherwise have to remember.

use std::fs;
use std::path::{Path, PathBuf};

/// How high each module stands; it may import only what stands lower. The map in `src/lib.rs` says why.
const RANKS: &[(&str, u32)] = &[
    ("metric", 0),
    ("secret", 0),
    ("store", 0),
    ("collect", 1),
    ("health", 2),
    ("mib", 3),
    ("state", 4),
    ("snmp", 4),
    ("server", 5),
    ("remote", 5),
    ("notify", 5),
    ("http", 5),
    ("render", 5),
    ("report", 5),
    ("config", 6),
    ("agent", 7),
    ("cli", 8),
];

/// Files that may be longer than 500 lines before their tests, with the reason.
const LONG: &[&str] = &[];

/// Every source file: its module, its path, and its text before its tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<(String, PathBuf, String)> = Vec::new();
    let mut open = vec![source.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&source).expect("below src").to_path_buf();
                let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).expect("text");
                let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_string();
                found.push((first.trim_end_matches(".rs").to_string(), relative, text));
            }
        }
    }
    assert!(found.len() > 50, "{} files", found.len());
    found
}

fn rank(module: &str) -> Option<u32> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// The first names after `crate::` in a text, also within braces.
fn imports(text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word =
        |text: &str| text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>();
    let mut names = Vec::new();
    for (place, _) in code.match_indices("crate::") {
        let rest = &code[place + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let group = group.split(';').next().unwrap_or_default();
                let mut depth = 0;
                let mut start = true;
                for (at, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        _ if start && depth == 0 && !letter.is_whitespace() => {
                            names.push(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

#[test]
fn imports_go_one_way() {
    let mut seen = 0;
    for (module, path, text) in sources() {
        let Some(own) = rank(&module) else {
            assert!(matches!(module.as_str(), "lib" | "main"), "{} has no rank", path.display());
            continue;
        };
        for import in imports(&text) {
            let Some(other) = rank(&import) else { continue };
            seen += 1;
            assert!(
                import == module || other < own,
                "{} imports crate::{import}, which stands no lower",
                path.display()
            );
        }
    }
    assert!(seen > 100, "{seen} imports");
}

#[test]
fn a_file_has_a_purpose_and_one_subject() {
    for (_, path, text) in sources() {
        let name = path.display().to_string();
        assert!(text.starts_with("//!"), "{name} doesn't say what it is for");
        assert!(text.lines().count() <= 500 || LONG.contains(&name.as_str()), "{name}: {} lines", text.lines().count());
        for unfinished in ["todo!(", "unimplemented!(", "FIXME", "TODO"] {
            assert!(!text.contains(unfinished), "{name} is unfinished: {unfinished}");
        }
        assert!(!text.contains("unsafe {"), "{name} is unsafe");
    }
}

#[test]
fn facts_rules_and_the_engine_wait_for_nothing_and_are_told_the_time() {
    for (module, path, text) in sources() {
        let pure = matches!(module.as_str(), "metric" | "collect" | "health" | "mib" | "snmp" | "state");
        // It bounds its own wait for the kernel; no fact is made of that clock.
        let waits = path.ends_with("collect/filesystem.rs");
        if pure {
            assert!(!text.contains("async fn") && !text.contains(".await"), "{} is asynchronous", path.display());
            for clock in ["SystemTime::now", "Timestamp::now"] {
                assert!(!text.contains(clock), "{} reads a clock: {clock}", path.display());
            }
            assert!(waits || !text.contains("Instant::now"), "{} reads a clock", path.display());
        }
    }
}

/// Who may wait. Everything else is computed at once, or in a thread of its own.
const ASYNCHRONOUS: &[&str] = &["server", "remote", "notify", "http", "agent"];

#[test]
fn only_the_outer_modules_are_asynchronous() {
    for (module, path, text) in sources() {
        let waits = text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
            line.contains("async fn")
                || line.contains("async move")
                || line.contains("async {")
                || line.contains(".await")
        });
        assert!(!waits || ASYNCHRONOUS.contains(&module.as_str()), "{} is asynchronous", path.display());
    }
}

/// A source of facts is handed to the collectors by whoever starts them; nobody else knows it.
#[test]
fn remote_sources_are_known_where_they_are_started() {
    for (module, path, text) in sources() {
        let knows = imports(&text).iter().any(|import| import == "remote");
        assert!(!knows || matches!(module.as_str(), "agent" | "cli"), "{} imports crate::remote", path.display());
    }
}
