//! What the types can't say: whether addresses, networks, names and files are what they should be.
//!
//! Each check gives problems by the key that they are about; the reader finds the place in the file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use super::checks_snmp::{engine_id, query_log, users};
use super::{Config, Level, load, tree};
use crate::collect::{FAMILIES, extend};
use crate::health::rules::{self, Finding, compile};
use crate::metric::Interval;
use crate::mib::{Oid, vitals};
use crate::notify::target;
use crate::snmp::access::{Networks, network};
use crate::snmp::config::{Access, Community};

/// One problem of a configuration whose types are right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub level: Level,
    /// `rule[2].metric`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// The file can't be used.
    pub fn error(key: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem { level: Level::Error, key: key.into(), message: message.into(), remedy: remedy.into() }
    }

    /// The file can be used.
    pub fn warning(key: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem { level: Level::Warning, ..Problem::error(key, message, remedy) }
    }
}

/// Every check, in the order of the file.
pub fn all(config: &Config) -> Vec<Problem> {
    const CHECKS: &[fn(&Config) -> Vec<Problem>] = &[
        log_and_system,
        listeners,
        networks,
        engine_id,
        query_log,
        communities,
        users,
        exposure,
        views,
        mib_root,
        intervals,
        http,
        targets,
        rules,
        services,
        extends,
        textfile,
    ];
    CHECKS.iter().flat_map(|check| check(config)).collect()
}

fn log_and_system(config: &Config) -> Vec<Problem> {
    let object_id = config.system.object_id.as_deref().filter(|text| text.parse::<Oid>().is_err());
    let object_id = object_id.map(|text| {
        Problem::error("system.object_id", format!("`{text}` is not an object identifier"), NUMBERS_AND_DOTS)
    });
    let root = (!config.agent.root.is_absolute())
        .then(|| Problem::error("agent.root", "not an absolute path", "write it from `/` on, as in \"/host\""));
    root.into_iter().chain(object_id).collect()
}

const NUMBERS_AND_DOTS: &str = "write it in numbers and dots, as in \"1.3.6.1.4.1.32473.1\"";

/// The address of `udp:ADDRESS:PORT` or `tcp:ADDRESS:PORT`.
fn listen_address(text: &str) -> Option<SocketAddr> {
    text.strip_prefix("udp:").or_else(|| text.strip_prefix("tcp:"))?.parse().ok()
}

fn listeners(config: &Config) -> Vec<Problem> {
    const REMEDY: &str =
        "write \"udp:ADDRESS:PORT\" or \"tcp:ADDRESS:PORT\", an IPv6 address in brackets: \"udp:[::1]:1161\"";
    let wrong = config.snmp.listen.iter().enumerate().filter(|(_, text)| listen_address(text).is_none());
    wrong
        .map(|(place, text)| {
            Problem::error(format!("snmp.listen[{place}]"), format!("`{text}` is no address to listen on"), REMEDY)
        })
        .collect()
}

fn networks(config: &Config) -> Vec<Problem> {
    let mut lists = vec![("snmp.allow".to_string(), &config.snmp.allow)];
    for (place, community) in config.snmp.community.iter().enumerate() {
        lists.push((format!("snmp.community[{place}].from"), &community.from));
    }
    let mut problems = Vec::new();
    for (key, list) in lists {
        for (place, text) in list.iter().flatten().enumerate().filter(|(_, text)| network(text).is_none()) {
            let message = format!("`{text}` is not a network");
            let remedy = "write \"ADDRESS/BITS\": \"10.0.0.0/8\", \"::1/128\"";
            problems.push(Problem::error(format!("{key}[{place}]"), message, remedy));
        }
    }
    problems
}

fn communities(config: &Config) -> Vec<Problem> {
    let each = config.snmp.community.iter().enumerate();
    each.flat_map(|(place, community)| {
        let key = format!("snmp.community[{place}]");
        let idle = (community.access == Access::None).then(|| {
            let remedy = "write \"read\" or \"write\", or remove the community: \"none\" is for users";
            Problem::error(format!("{key}.access"), "a community that may do nothing", remedy)
        });
        community_problem(&key, community).into_iter().chain(idle)
    })
    .collect()
}

fn community_problem(key: &str, community: &Community) -> Option<Problem> {
    match (&community.name, &community.name_file) {
        (None, None) => Some(Problem::error(key, "without a name", "give it `name` or `name_file`")),
        (Some(_), Some(_)) => {
            Some(Problem::error(key, "both `name` and `name_file`", "keep one of them: the file is the safer"))
        }
        (Some(name), None) if name.expose().is_empty() => {
            Some(Problem::error(format!("{key}.name"), "an empty community", "give it a name that is hard to guess"))
        }
        (Some(_), None) => None,
        (None, Some(path)) => secret_file_problem(&format!("{key}.name_file"), path),
    }
}

/// What is wrong with a file that holds a secret.
pub(super) fn secret_file_problem(key: &str, path: &Path) -> Option<Problem> {
    let shown = path.display();
    match (load::readable_by_others(path), load::holds_secret(path)) {
        (Err(error), _) | (_, Err(error)) => {
            Some(Problem::error(key, format!("{shown}: {error}"), "name a file that the agent can read"))
        }
        (Ok(true), _) => Some(Problem::error(key, format!("everybody can read {shown}"), format!("chmod o-r {shown}"))),
        (_, Ok(false)) => Some(Problem::error(key, format!("{shown} is empty"), "write the secret as its first line")),
        (Ok(false), Ok(true)) => None,
    }
}

/// Whether all of these networks are this machine.
fn is_loopback(networks: &[String]) -> bool {
    let loopback = Networks::loopback();
    networks.iter().all(|text| network(text).is_none_or(|network| loopback.cover(&network)))
}

/// Listening wider than is answered, and names that everybody knows.
fn exposure(config: &Config) -> Vec<Problem> {
    let snmp = &config.snmp;
    let wide = snmp.listen.iter().filter_map(|text| listen_address(text)).any(|address| !address.ip().is_loopback());
    let mut problems = Vec::new();
    if wide && snmp.allow.is_none() {
        let remedy = "name the networks that are to be answered: allow = [\"10.0.0.0/8\"]";
        problems.push(Problem::warning("snmp.allow", "not given: only this machine is answered", remedy));
    }
    let answered = wide && snmp.allow.as_deref().is_some_and(|allow| !is_loopback(allow));
    for (place, community) in snmp.community.iter().enumerate() {
        let known = community.name.as_ref().is_some_and(|name| ["public", "private"].contains(&name.expose()));
        if known && answered && !community.from.as_deref().is_some_and(is_loopback) {
            let key = format!("snmp.community[{place}].name");
            let remedy = "choose a name that is hard to guess, or limit it with `from`";
            problems.push(Problem::warning(key, "a community that everybody knows, off this machine", remedy));
        }
    }
    problems
}

fn views(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let names: BTreeSet<&str> = config.snmp.view.iter().map(|view| view.name.as_str()).chain(["all"]).collect();
    let communities = config.snmp.community.iter().map(|community| &community.view).enumerate();
    let communities = communities.map(|(place, view)| (format!("snmp.community[{place}].view"), view));
    let users = config.snmp.user.iter().map(|user| &user.view).enumerate();
    let users = users.map(|(place, view)| (format!("snmp.user[{place}].view"), view));
    for (key, view) in communities.chain(users) {
        if let Some(view) = view.as_deref().filter(|view| !names.contains(view)) {
            let remedy = match tree::nearest(view, names.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "`all` is built in; name others with [[snmp.view]]".into(),
            };
            problems.push(Problem::error(key, format!("no view is called `{view}`"), remedy));
        }
    }
    for (place, view) in config.snmp.view.iter().enumerate() {
        if view.name.is_empty() {
            problems.push(Problem::error(format!("snmp.view[{place}]"), "without a name", "give it `name`"));
        }
        for (list, subtrees) in [("include", &view.include), ("exclude", &view.exclude)] {
            for (item, text) in subtrees.iter().enumerate().filter(|(_, text)| !is_subtree(&config.mib.root, text)) {
                let key = format!("snmp.view[{place}].{list}[{item}]");
                let remedy =
                    "write numbers and dots, or \"VITALS-MIB::name\" of a table or an object that `vitalsd mib` prints";
                problems.push(Problem::error(key, format!("`{text}` is not a subtree"), remedy));
            }
        }
    }
    problems
}

fn is_subtree(root: &Oid, text: &str) -> bool {
    text.trim_start_matches('.').parse::<Oid>().is_ok() || vitals::resolve(root, text).is_some()
}

/// Short enough to leave room below it; what an object identifier is, its type knows.
fn mib_root(config: &Config) -> Vec<Problem> {
    const MOST_ARCS: usize = 20;
    if config.mib.root.arcs().len() <= MOST_ARCS {
        return Vec::new();
    }
    let message = format!("more than {MOST_ARCS} numbers");
    vec![Problem::error("mib.root", message, "choose a shorter one: instances below it must fit in 128 numbers")]
}

/// Every `interval` of `[collect]`, whichever sections there are.
fn intervals(config: &Config) -> Vec<Problem> {
    let Ok(collect) = serde_json::to_value(&config.collect) else { return Vec::new() };
    let short = |value: &serde_json::Value| {
        let interval: Interval = value.get("interval")?.as_str()?.parse().ok()?;
        (interval < Interval::seconds(1)).then_some(interval)
    };
    let sections = collect.as_object().into_iter().flatten();
    let each = sections.map(|(name, section)| (format!("collect.{name}.interval"), section));
    std::iter::once(("collect.interval".to_string(), &collect))
        .chain(each)
        .filter_map(|(key, section)| Some((key, short(section)?)))
        .map(|(key, span)| Problem::error(key, format!("{span} is too short"), "the least is \"1s\""))
        .collect()
}

fn http(config: &Config) -> Vec<Problem> {
    let wrong = config.http.iter().filter(|http| http.listen.parse::<SocketAddr>().is_err());
    wrong
        .map(|http| {
            let message = format!("`{}` is no address to listen on", http.listen);
            Problem::error("http.listen", message, "write \"ADDRESS:PORT\", as in \"127.0.0.1:9161\"")
        })
        .collect()
}

/// What the targets' own check says, and the files of their communities.
fn targets(config: &Config) -> Vec<Problem> {
    let found = target::check(&config.notify.snmp, &config.snmp.user).into_iter().map(|finding| {
        let dot = if finding.key.is_empty() { "" } else { "." };
        let key = format!("notify.snmp[{}]{dot}{}", finding.place, finding.key);
        Problem::error(key, finding.message, finding.remedy)
    });
    let files = config.notify.snmp.iter().enumerate().filter_map(|(place, target)| {
        secret_file_problem(&format!("notify.snmp[{place}].community_file"), target.community_file.as_deref()?)
    });
    found.chain(files).collect()
}

/// What the rules' own check says.
fn rules(config: &Config) -> Vec<Problem> {
    let compiled = compile(&config.rule, FAMILIES);
    let found = |finding: Finding, level| {
        let key = format!("rule[{}].{}", finding.rule?, finding.key);
        let remedy = match finding.key {
            "metric" => "`vitalsd metrics` prints the metrics there are",
            "name" => "`vitalsd rules` prints the rules in force",
            "warning" => "give it a level that the metric can reach",
            _ => "`vitalsd config` prints what each key is for",
        };
        let remedy = remedy.into();
        Some(Problem { level, key, message: finding.reason, remedy })
    };
    let errors = compiled.errors.into_iter().filter_map(|finding| found(finding, Level::Error));
    errors.chain(compiled.warnings.into_iter().filter_map(|finding| found(finding, Level::Warning))).collect()
}

fn textfile(config: &Config) -> Vec<Problem> {
    let relative = config.textfile.directory.as_deref().is_some_and(|directory| !directory.is_absolute());
    let problem = relative.then(|| {
        Problem::error("textfile.directory", "not an absolute path", "write it from `/` on, as in \"/var/lib/x\"")
    });
    let of_files = |rule: &crate::health::config::Rule| rule.metric.starts_with(rules::TEXTFILE);
    let lost = config.rule.iter().position(of_files).filter(|_| config.textfile.directory.is_none());
    let lost = lost.map(|place| {
        let remedy = "give `[textfile]` a `directory`";
        Problem::error(format!("rule[{place}].metric"), "there are no text files", remedy)
    });
    problem.into_iter().chain(lost).collect()
}

fn extends(config: &Config) -> Vec<Problem> {
    let wrong = extend::check(&config.extend).into_iter();
    let remedy = |key| match key {
        "name" => "name it as managers ask for it, as in \"distro\"",
        "command" => "write it as a list, as in [\"/usr/local/bin/distro\", \"--short\"]",
        _ => "write a span of time, as in \"10s\"",
    };
    wrong.map(|(place, key, message)| Problem::error(format!("extend[{place}].{key}"), message, remedy(key))).collect()
}

fn services(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, watch) in config.service.iter().enumerate() {
        let key = format!("service[{place}]");
        match (&watch.unit, &watch.process) {
            (None, None) => problems.push(Problem::error(&key, "watches nothing", "give it `unit` or `process`")),
            (Some(_), Some(_)) => problems.push(Problem::error(&key, "both `unit` and `process`", "keep one of them")),
            (Some(unit), None) if unit.is_empty() => {
                problems.push(Problem::error(format!("{key}.unit"), "an empty name", "name it as systemd does"));
            }
            (None, Some(pattern)) if pattern.name.is_none() && pattern.args.is_none() => {
                let remedy = "give it `name`, `args` or both: any process would do";
                problems.push(Problem::error(format!("{key}.process"), "a pattern of nothing", remedy));
            }
            (None, Some(pattern)) if pattern.max.is_some_and(|max| max < pattern.min) => {
                let remedy = "no number of processes is good: raise `max`";
                problems.push(Problem::error(format!("{key}.process"), "`max` is below `min`", remedy));
            }
            _ => {}
        }
    }
    problems
}
