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
    // What can't be written can't fill up: images that are mounted read-only are full by nature.
    let filling = |name: &str, metric: &str, message: &str| Rule {
        labels: BTreeMap::from([("read_only".into(), "0".into())]),
        warning: Some(0.85),
        critical: Some(0.95),
        clear: Some(0.80),
        message: say(message),
        ..rule(name, metric)
    };
    vec![
        filling("filesystem-almost-full", "filesystem_used_ratio", "The filesystem at {mountpoint} is {value} full"),
        filling(
            "filesystem-inodes",
            "filesystem_inodes_used_ratio",
            "{value} of the inodes of the filesystem at {mountpoint} are in use",
        ),
    ]
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
        Rule {
            warning: Some(0.95),
            clear: Some(0.85),
            hold: Some(Interval::seconds(300)),
            message: say("The processors have been busy for 5 minutes: {value}"),
            ..rule("load-high", "cpu_used_ratio")
        },
    ]
}

fn hardware() -> Vec<Rule> {
    // The chip knows its own limits best; the numbers of temperature-high are for chips that have none.
    let chip_alarm = |name: &str, kind: &str, message: &str| Rule {
        labels: BTreeMap::from([("kind".into(), kind.into())]),
        critical: Some(1.0),
        message: say(message),
        ..rule(name, "hwmon_alarm")
    };
    vec![
        Rule {
            warning: Some(85.0),
            critical: Some(95.0),
            clear: Some(80.0),
            hold: Some(Interval::seconds(30)),
            message: say("{chip} {sensor} is at {value}"),
            ..rule("temperature-high", "hwmon_temperature_celsius")
        },
        chip_alarm("temperature-alarm", "temperature", "{chip} itself calls {sensor} too hot or too cold"),
        chip_alarm("fan-stopped", "fan", "{chip} itself calls the fan {sensor} too slow"),
        chip_alarm("voltage-alarm", "voltage", "{chip} itself calls the voltage {sensor} out of range"),
        chip_alarm("power-alarm", "power", "{chip} itself calls the power {sensor} out of range"),
        Rule {
            warning: Some(1.0),
            message: say("{chip} calls the sensor {sensor} broken"),
            ..rule("sensor-broken", "hwmon_fault")
        },
    ]
}

fn network() -> Vec<Rule> {
    let errors = |name: &str, metric: &str, message: &str| Rule {
        rate: Some(Interval::seconds(300)),
        warning: Some(1.0),
        clear: Some(0.1),
        message: say(message),
        ..rule(name, metric)
    };
    vec![
        Rule {
            labels: BTreeMap::from([("admin_up".into(), "1".into())]),
            direction: Direction::Below,
            // A socket without a cable is common; what must be up gets a rule of its own that says so.
            warning: Some(0.0),
            hold: Some(Interval::seconds(10)),
            message: say("The interface {interface} is down and should be up"),
            ..rule("interface-down", "interface_up")
        },
        errors("interface-errors", "interface_receive_errors_total", "{interface} receives damaged packets: {value}"),
        errors(
            "interface-send-errors",
            "interface_transmit_errors_total",
            "{interface} fails to send packets: {value}",
        ),
    ]
}

fn software() -> Vec<Rule> {
    let down = |name: &str, critical: bool| Rule {
        labels: BTreeMap::from([("critical".into(), if critical { "1" } else { "0" }.into())]),
        direction: Direction::Below,
        warning: (!critical).then_some(0.0),
        critical: critical.then_some(0.0),
        message: say("The service {service} is down"),
        ..rule(name, "service_up")
    };
    vec![
        down("service-down", true),
        down("service-down-minor", false),
        Rule {
            labels: BTreeMap::from([("state".into(), "ok".into())]),
            warning: Some(0.0),
            direction: Direction::Below,
            hold: Some(Interval::seconds(30)),
            message: say("There are no facts of the section {section}"),
            ..rule("collector-failed", "section_state")
        },
    ]
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
