//! The example file: every key with its sentence and its default, rendered from the schema.
//!
//! Lines that begin with `# ` are prose; lines that begin with `#` alone are keys to be uncommented.

use std::fmt::Write;

use serde_json::Value;

use super::tree::{of_kind, schema};

/// What a key is shown with where its default says nothing.
enum Example {
    /// This, as TOML.
    Is(&'static str),
    /// This, but beside another key that excludes it: prose, never to be uncommented with the rest.
    Or(&'static str),
}

use Example::{Is, Or};

/// Examples by key. A key of a list of tables is named as if there were one table.
const EXAMPLES: &[(&str, Example)] = &[
    ("agent.state_dir", Is("\"/var/lib/vitalsd\"")),
    ("agent.control", Is("\"/run/vitalsd/control.sock\"")),
    ("system.name", Is("\"sensor-07\"")),
    ("system.object_id", Is("\"1.3.6.1.4.1.32473.1.3.1\"")),
    ("snmp.allow", Is("[\"10.0.0.0/8\", \"127.0.0.0/8\", \"::1/128\"]")),
    ("snmp.rate_limit", Is("\"2000/s\"")),
    ("snmp.engine_id", Is("\"80007ed90401020304\"")),
    ("snmp.query_log", Is("{ path = \"/var/lib/vitalsd/queries.log\", max_bytes = 10000000, keep = 5 }")),
    ("snmp.community.name", Is("\"hard-to-guess\"")),
    ("snmp.community.name_file", Or("\"/etc/vitalsd/community\"")),
    ("snmp.community.view", Is("\"ops\"")),
    ("snmp.community.from", Is("[\"10.1.0.0/16\"]")),
    ("snmp.user.name", Is("\"nms\"")),
    ("snmp.user.auth", Is("\"sha256\"")),
    ("snmp.user.auth_password_file", Or("\"/etc/vitalsd/nms.auth\"")),
    ("snmp.user.auth_password", Is("\"at-least-8-characters\"")),
    ("snmp.user.auth_key", Or("\"5f0c...\"")),
    ("snmp.user.auth_master_key", Or("\"9a41...\"")),
    ("snmp.user.priv", Is("\"aes128\"")),
    ("snmp.user.priv_password_file", Or("\"/etc/vitalsd/nms.priv\"")),
    ("snmp.user.priv_password", Is("\"at-least-8-characters\"")),
    ("snmp.user.priv_key", Or("\"81d2...\"")),
    ("snmp.user.priv_master_key", Or("\"c6e0...\"")),
    ("snmp.user.level", Is("\"authPriv\"")),
    ("snmp.user.view", Is("\"ops\"")),
    ("snmp.view.name", Is("\"ops\"")),
    ("snmp.view.include", Is("[\"1.3.6.1.2.1\", \"VITALS-MIB::vitals\"]")),
    ("snmp.view.exclude", Is("[\"1.3.6.1.2.1.25.4\"]")),
    ("compat.defender_iot.serial_number", Is("\"4CE0000000\"")),
    ("compat.defender_iot.software_version", Is("\"24.1.2\"")),
    ("compat.defender_iot.license_expires", Is("\"2027-01-31\"")),
    ("notify.snmp.name", Is("\"nms\"")),
    ("notify.snmp.target", Is("\"udp:192.0.2.10:162\"")),
    ("notify.snmp.community", Is("\"hard-to-guess\"")),
    ("notify.snmp.community_file", Or("\"/etc/vitalsd/traps\"")),
    ("notify.snmp.user", Or("\"nms\"")),
    ("notify.snmp.timeout", Is("\"2s\"")),
    ("notify.snmp.retries", Is("3")),
    ("notify.snmp.minimum_severity", Is("\"warning\"")),
    ("rule.name", Is("\"memory-almost-full\"")),
    ("rule.metric", Is("\"memory_used_ratio\"")),
    ("rule.rate", Or("\"1m\"")),
    ("rule.match", Or("{ mountpoint = \"/\" }")),
    ("rule.warning", Is("0.80")),
    ("rule.critical", Is("0.90")),
    ("rule.clear", Is("0.75")),
    ("rule.for", Is("\"1m\"")),
    ("rule.message", Is("\"memory is running out\"")),
    ("service.unit", Is("\"ssh.service\"")),
    ("service.name", Is("\"ssh\"")),
    ("textfile.directory", Is("\"/var/lib/vitalsd/textfile\"")),
    ("extend.name", Is("\"distro\"")),
    ("extend.command", Is("[\"/usr/local/bin/distro\"]")),
    ("service.process", Or("{ name = \"sshd\", min = 1 }")),
];

const HEAD: &str = "\
# vitalsd's configuration: every key, with its default or an example. Keys that are not given have their defaults.
# Uncomment what you need, the heading of its section too; `vitalsd check-config FILE` says all that is wrong.
# With a file, no community is built in and HTTP is off unless given.
";

/// The whole file.
pub fn example() -> String {
    let mut out = HEAD.to_string();
    let schema = schema();
    // A heading comes after all keys that stand above it, so the tables go last.
    table(&mut out, &schema, "");
    out
}

fn table(out: &mut String, schema: &Value, path: &str) {
    let Some(properties) = of_kind(schema, "properties").and_then(|schema| schema["properties"].as_object()) else {
        return;
    };
    let is_leaf = |schema: &Value| of_kind(schema, "properties").is_none() && items(schema).is_none();
    let inline = |name: &str| example_of(&join(path, name)).is_some();
    let (keys, tables): (Vec<_>, Vec<_>) =
        properties.iter().partition(|(name, schema)| is_leaf(schema) || inline(name));
    for (name, schema) in keys {
        key(out, name, schema, &join(path, name));
    }
    for (name, schema) in tables {
        let path = join(path, name);
        out.push('\n');
        comment(out, schema);
        match items(schema) {
            Some(items) => {
                let _ = writeln!(out, "#[[{path}]]");
                table(out, items, &path);
            }
            None => {
                let _ = writeln!(out, "#[{path}]");
                table(out, schema, &path);
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// The schema of one table, where `schema` is a list of tables.
fn items(schema: &Value) -> Option<&Value> {
    let items = &of_kind(schema, "items")?["items"];
    of_kind(items, "properties")
}

fn key(out: &mut String, name: &str, schema: &Value, path: &str) {
    comment(out, schema);
    let _ = match example_of(path) {
        Some(Or(text)) => writeln!(out, "# For instance {name} = {text}"),
        Some(Is(text)) => writeln!(out, "#{name} = {text}"),
        None => writeln!(out, "#{name} = {}", default_of(schema)),
    };
}

fn example_of(path: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|(key, _)| *key == path).map(|(_, example)| example)
}

/// The default as TOML; of a key without one, the example of its type.
fn default_of(schema: &Value) -> String {
    let default = schema.get("default").filter(|value| !value.is_null());
    let example = of_kind(schema, "examples").and_then(|schema| schema["examples"].get(0));
    // JSON's texts, numbers and lists of them are TOML's too.
    default.or(example).map_or_else(|| "\"\"".to_string(), |value| value.to_string().replace("\",\"", "\", \""))
}

/// The widest line of the file.
const WIDTH: usize = 110;

fn comment(out: &mut String, schema: &Value) {
    let Some(sentence) = schema.get("description").and_then(Value::as_str) else { return };
    let mut line = String::from("#");
    for word in sentence.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;

    #[test]
    fn the_shipped_file_is_what_the_code_says() {
        expect_test::expect_file!["../../config/vitalsd.toml"].assert_eq(&example());
    }

    #[test]
    fn the_shipped_file_may_be_used_as_it_is_or_uncommented() {
        let (config, findings) = load_text("vitalsd.toml", &example(), false).expect("nothing is given");
        assert_eq!((config, findings.items.len()), (crate::config::Config::default(), 0));
        let uncommented: String = example()
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(key) if !key.starts_with(' ') => format!("{key}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let findings = load_text("vitalsd.toml", &uncommented, false).map(|(_, findings)| findings);
        assert_eq!(findings.map_err(|findings| findings.to_string()).map(|findings| findings.items), Ok(Vec::new()));
    }
}
