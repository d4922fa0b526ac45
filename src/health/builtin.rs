//! The rules that are in force unless the configuration says otherwise. Their names are alarm ids: once published, kept.

use std::collections::BTreeMap;

use super::config::{Direction, Rule};
use crate::metric::Interval;

/// Every built-in rule, as if it had been written.
pub fn rules() -> Vec<Rule> {
    let mut rules = storage();
    rules.extend(load());
    rules.extend(hardware());
    rules.extend(network());
    rules.extend(software());
    rules
}

fn storage() -> Vec<Rule> {
    vec![Rule {
        warning: Some(0.85),
        critical: Some(0.95),
        clear: Some(0.80),
        message: say("The filesystem at {mountpoint} is {value} full"),
        ..rule("filesystem-almost-full", "filesystem_used_ratio")
    }]
}

fn load() -> Vec<Rule> {
    vec![
        Rule {
            warning: Some(0.90),
            critical: Some(0.97),
            clear: Some(0.85),
            hold: Some(Interval::seconds(60)),
            message: say("{value} of the memory is in use"),
            ..rule("memory-low", "memory_used_ratio")
        },
        Rule {
            warning: Some(0.80),
            critical: Some(0.95),
            clear: Some(0.70),
            hold: Some(Interval::seconds(60)),
            message: say("{value} of the swap space is in use"),
            ..rule("swap-almost-full", "memory_swap_used_ratio")
        },
    ]
}

fn hardware() -> Vec<Rule> {
    vec![]
}

fn network() -> Vec<Rule> {
    vec![]
}

fn software() -> Vec<Rule> {
    vec![Rule {
        labels: BTreeMap::from([("state".into(), "ok".into())]),
        warning: Some(0.5),
        direction: Direction::Below,
        hold: Some(Interval::seconds(30)),
        message: say("There are no facts of the section {section}"),
        ..rule("collector-failed", "section_state")
    }]
}

fn rule(name: &str, metric: &str) -> Rule {
    Rule { name: name.into(), metric: metric.into(), ..Rule::default() }
}

#[allow(clippy::unnecessary_wraps, reason = "a rule's message is optional")]
fn say(message: &str) -> Option<String> {
    Some(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::FAMILIES;
    use crate::health::rules::compile;

    #[test]
    fn every_built_in_rule_watches_a_metric_that_exists() {
        let compiled = compile(&[], FAMILIES);
        assert_eq!(compiled.errors, []);
        assert_eq!(compiled.warnings, []);
        assert_eq!(compiled.rules.len(), rules().len());
    }
}
