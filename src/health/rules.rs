//! Rules as checked: each bound to the family and the metric that it watches.
//!
//! Checking finds everything that is wrong at once, so that a typing error in a metric's name is told of when the
//! configuration is read and not when the disk is full.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wildmatch::WildMatch;

use super::builtin;
use super::config::{self, Direction};
use crate::collect::textfile;
use crate::metric::{Kind, PREFIX, Projection, Role, Row, Shape, Unit};

/// Something wrong with a rule as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which of the configuration's rules, from 0; `None` for a built-in one.
    pub rule: Option<usize>,
    /// The key in it.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// What came of checking.
pub struct Compiled<S: 'static> {
    /// The rules in force; complete only without errors.
    pub rules: Vec<Rule<S>>,
    /// What makes the configuration unusable.
    pub errors: Vec<Finding>,
    /// What was probably meant otherwise.
    pub warnings: Vec<Finding>,
}

/// A rule in force.
pub struct Rule<S: 'static> {
    /// As written: its name, levels, hold time and message.
    pub written: config::Rule,
    /// The full name of the metric.
    pub metric: String,
    /// The unit of the metric and of the levels.
    pub unit: Unit,
    /// The metric's sentence.
    pub help: &'static str,
    /// Whether the metric's fall means that it was counted anew.
    pub counter: bool,
    /// The section whose facts decide.
    pub section: &'static str,
    family: &'static dyn Projection<S>,
    shape: Shape,
    places: Vec<usize>,
    globs: Vec<(String, WildMatch)>,
    /// The name of the text files' samples that the rule is over; `None` of a metric of ours.
    sample: Option<String>,
}

/// What the name of a text files' metric begins with in a rule. Such a name can't be checked before the file is there; with
/// the prefix a misspelt metric of ours is still found.
pub const TEXTFILE: &str = "textfile:";

/// One number that a rule looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What tells it from the rule's other samples.
    pub identity: BTreeMap<String, String>,
    /// The number; `None` where the host doesn't say.
    pub value: Option<f64>,
}

/// Checks the written rules and the built-in ones that they leave in force against `families`.
pub fn compile<S>(written: &[config::Rule], families: &[&'static dyn Projection<S>]) -> Compiled<S> {
    compile_with(builtin::rules(), written, families)
}

pub(super) fn compile_with<S>(
    builtin: Vec<config::Rule>,
    written: &[config::Rule],
    families: &[&'static dyn Projection<S>],
) -> Compiled<S> {
    let mut compiled = Compiled { rules: Vec::new(), errors: Vec::new(), warnings: Vec::new() };
    let known: Vec<String> = builtin.iter().map(|rule| rule.name.clone()).collect();
    let names: BTreeSet<&str> = written.iter().map(|rule| rule.name.as_str()).collect();
    for rule in builtin.into_iter().filter(|rule| !names.contains(rule.name.as_str())) {
        compiled.add(None, rule, families);
    }
    let mut seen = BTreeSet::new();
    for (place, rule) in written.iter().enumerate() {
        if rule.name.is_empty() {
            compiled.errors.push(finding(Some(place), "name", "a rule needs a name".into()));
        } else if !seen.insert(rule.name.as_str()) {
            let reason = format!("there is another rule named `{}`", rule.name);
            compiled.errors.push(finding(Some(place), "name", reason));
        } else if rule.enabled {
            compiled.add(Some(place), rule.clone(), families);
        } else if rule.metric.is_empty() && !known.contains(&rule.name) {
            let nearest = nearest(&rule.name, known.iter().map(String::as_str));
            let reason = format!("there is no built-in rule `{}` to switch off{nearest}", rule.name);
            compiled.errors.push(finding(Some(place), "name", reason));
        }
    }
    compiled
}

fn finding(rule: Option<usize>, key: &'static str, reason: String) -> Finding {
    Finding { rule, key, reason }
}

/// `; the nearest is ...`, or nothing.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min()
        .map_or_else(String::new, |(_, candidate)| format!("; the nearest is `{candidate}`"))
}

impl<S> Compiled<S> {
    fn add(&mut self, place: Option<usize>, written: config::Rule, families: &[&'static dyn Projection<S>]) {
        let before = self.errors.len();
        let name = written.name.clone();
        let mut error = |key, reason: String| {
            self.errors.push(finding(place, key, format!("rule `{name}`: {reason}")));
        };
        check_levels(&written, &mut error);
        if written.rate.is_some_and(|span| span.0.is_zero()) {
            error("rate", "a rate needs a span above 0s".into());
        }
        let Some(rule) = bind(written, families, &mut error) else { return };
        rule.check_labels(&mut error);
        if self.errors.len() > before {
            return;
        }
        for (key, level) in rule.out_of_reach() {
            let reason = format!("rule `{name}`: {} never reaches {level}", rule.metric);
            self.warnings.push(finding(place, key, reason));
        }
        self.rules.push(rule);
    }
}

/// Whether `level` is on the bad side of `other`, or at it.
fn beyond(direction: Direction, level: f64, other: f64) -> bool {
    match direction {
        Direction::Above => level >= other,
        Direction::Below => level <= other,
    }
}

fn check_levels(rule: &config::Rule, error: &mut dyn FnMut(&'static str, String)) {
    let levels = [("warning", rule.warning), ("critical", rule.critical), ("clear", rule.clear)];
    for (key, level) in levels {
        if level.is_some_and(|level| !level.is_finite()) {
            return error(key, "a level is a finite number".into());
        }
    }
    let side = match rule.direction {
        Direction::Above => "above",
        Direction::Below => "below",
    };
    if let (Some(warning), Some(critical)) = (rule.warning, rule.critical)
        && beyond(rule.direction, warning, critical)
    {
        error("critical", format!("`critical` ({critical}) must be {side} `warning` ({warning})"));
    }
    match (rule.warning.or(rule.critical), rule.clear) {
        (None, _) => error("warning", "one of `warning` and `critical` is needed".into()),
        (Some(level), Some(clear)) if clear != level && beyond(rule.direction, clear, level) => {
            error("clear", format!("`clear` ({clear}) must not be {side} the level that raises ({level})"));
        }
        _ => {}
    }
}

fn bind<S>(
    written: config::Rule,
    families: &[&'static dyn Projection<S>],
    error: &mut dyn FnMut(&'static str, String),
) -> Option<Rule<S>> {
    if let Some(name) = written.metric.strip_prefix(TEXTFILE) {
        let name = name.to_string();
        return bind_sample(written, name, families, error);
    }
    let short = written.metric.strip_prefix(PREFIX).unwrap_or(&written.metric);
    let metric = format!("{PREFIX}{short}");
    let mut names = Vec::new();
    for &family in families {
        let shape = family.shape();
        if shape.subject == textfile::SAMPLE {
            continue;
        }
        let is_it = |place: &usize| shape.metrics.get(*place).is_some_and(|found| shape.metric_name(found) == metric);
        let places: Vec<usize> = (0..shape.metrics.len()).filter(is_it).collect();
        let Some(descriptor) = places.first().and_then(|place| shape.metrics.get(*place)).copied() else {
            names.extend(shape.metrics.iter().map(|descriptor| format!("{}_{}", shape.subject, descriptor.name)));
            continue;
        };
        return Some(Rule {
            globs: globs(&written),
            sample: None,
            written,
            metric,
            unit: descriptor.unit,
            help: descriptor.help,
            counter: descriptor.kind == Kind::Counter,
            section: shape.section,
            family,
            shape,
            places,
        });
    }
    if written.metric.is_empty() {
        error("metric", "a rule needs a metric".into());
    } else {
        let nearest = nearest(short, names.iter().map(String::as_str));
        error("metric", format!("there is no metric `{}`{nearest}", written.metric));
    }
    None
}

fn globs(written: &config::Rule) -> Vec<(String, WildMatch)> {
    written.labels.iter().map(|(name, glob)| (name.clone(), WildMatch::new(glob))).collect()
}

/// A rule over samples of text files by their name; which labels they have isn't known.
fn bind_sample<S>(
    written: config::Rule,
    name: String,
    families: &[&'static dyn Projection<S>],
    error: &mut dyn FnMut(&'static str, String),
) -> Option<Rule<S>> {
    let found = families.iter().map(|family| (*family, family.shape()));
    let (family, shape) = found.into_iter().find(|(_, shape)| shape.subject == textfile::SAMPLE)?;
    if name.is_empty() {
        error("metric", format!("`{TEXTFILE}` needs the name of a metric behind it"));
        return None;
    }
    let descriptor = shape.metrics.get(textfile::NUMBER).copied()?;
    Some(Rule {
        globs: globs(&written),
        written,
        unit: descriptor.unit,
        help: descriptor.help,
        // The type is the file's to say, later; the name has it by custom.
        counter: name.ends_with("_total"),
        metric: name.clone(),
        section: shape.section,
        family,
        shape,
        places: vec![textfile::NUMBER],
        sample: Some(name),
    })
}

impl<S> Rule<S> {
    /// The span of a rate.
    pub fn rate(&self) -> Option<Duration> {
        self.written.rate.map(|span| span.0)
    }

    /// Whether `value` is at or past `level`, on the bad side.
    pub fn passes(&self, value: f64, level: f64) -> bool {
        beyond(self.written.direction, value, level)
    }

    /// Whether `value` is good enough to clear an alarm.
    pub fn clears(&self, value: f64) -> bool {
        let Some(level) = self.written.warning.or(self.written.critical) else { return true };
        let clear = self.written.clear.unwrap_or(level);
        !self.passes(value, level) && beyond(self.written.direction, clear, value)
    }

    /// Shows every number that the rule looks at.
    pub fn visit(&self, source: &S, visit: &mut dyn FnMut(Sample)) {
        self.family.visit(source, &mut |row| {
            // The first label of a sample is its name.
            if self.sample.as_deref().is_some_and(|name| row.label(0).as_deref() != Some(name)) {
                return;
            }
            for place in &self.places {
                self.visit_metric(row, *place, visit);
            }
        });
    }

    fn visit_metric(&self, row: &dyn Row, place: usize, visit: &mut dyn FnMut(Sample)) {
        let Some(descriptor) = self.shape.metrics.get(place) else { return };
        let value = row.number(place).map(crate::metric::Number::as_f64).filter(|value| value.is_finite());
        let Kind::State(states) = descriptor.kind else {
            return self.offer(row, descriptor.variant, value, visit);
        };
        for (state, number) in states.iter().zip(1_u32..) {
            let flag = value.map(|value| if value == f64::from(number) { 1.0 } else { 0.0 });
            self.offer(row, Some((descriptor.name, state)), flag, visit);
        }
    }

    fn offer(
        &self,
        row: &dyn Row,
        extra: Option<(&'static str, &'static str)>,
        value: Option<f64>,
        visit: &mut dyn FnMut(Sample),
    ) {
        let mut value = value;
        for (name, glob) in &self.globs {
            match self.text(row, extra, name) {
                Some(text) if !glob.matches(&text) => return,
                Some(_) => {}
                // Whether the rule is about this row isn't known, so nothing of it is.
                None => value = None,
            }
        }
        let labels = self.shape.labels.iter().enumerate().filter(|(_, label)| label.role == Role::Identity);
        let labels = labels.filter_map(|(at, label)| Some((label.name.to_string(), row.label(at)?.into_owned())));
        let mut identity: BTreeMap<String, String> = match row.open_labels() {
            Some(labels) => labels.iter().cloned().collect(),
            None => labels.collect(),
        };
        // A label that the rule itself fixes tells nothing apart: `state` in a rule that matches `state = "failed"`.
        if let Some((name, text)) =
            extra.filter(|(name, text)| self.written.labels.get(*name).is_none_or(|glob| glob != text))
        {
            identity.insert(name.to_string(), text.to_string());
        }
        visit(Sample { identity, value });
    }

    /// What globs see: a label's text, empty where the row has none, or the name of a state, or a flag as `1` or `0`;
    /// `None` where the host doesn't say which.
    fn text(&self, row: &dyn Row, extra: Option<(&str, &str)>, name: &str) -> Option<String> {
        if let Some((_, text)) = extra.filter(|(extra, _)| *extra == name) {
            return Some(text.to_string());
        }
        if let Some(labels) = row.open_labels() {
            let found = labels.iter().find(|(label, _)| label == name);
            return Some(found.map(|(_, text)| text.clone()).unwrap_or_default());
        }
        if let Some(place) = self.shape.labels.iter().position(|label| label.name == name) {
            return Some(row.label(place).unwrap_or_default().into_owned());
        }
        let (place, metric) = self.shape.metrics.iter().enumerate().find(|(_, metric)| metric.name == name)?;
        let number = row.number(place)?.scaled(0);
        match metric.kind {
            Kind::State(states) => {
                let place = usize::try_from(number).ok()?.checked_sub(1)?;
                states.get(place).map(ToString::to_string)
            }
            _ => Some(if number == 0 { "0" } else { "1" }.to_string()),
        }
    }

    fn check_labels(&self, error: &mut dyn FnMut(&'static str, String)) {
        if self.sample.is_some() {
            return;
        }
        let metrics = self.places.iter().filter_map(|place| self.shape.metrics.get(*place));
        let variants = metrics.filter_map(|metric| metric.variant.map(|(name, _)| name));
        let matched = |kind: Kind| matches!(kind, Kind::State(_) | Kind::Flag);
        let states = self.shape.metrics.iter().filter(|metric| matched(metric.kind)).map(|metric| metric.name);
        let labels = self.shape.labels.iter().map(|label| label.name);
        let known: BTreeSet<&str> = labels.chain(variants).chain(states).collect();
        for name in self.written.labels.keys().filter(|name| !known.contains(name.as_str())) {
            let nearest = nearest(name, known.iter().copied());
            error("match", format!("{} has no label `{name}`{nearest}", self.metric));
        }
    }

    /// The levels that the metric can't have.
    fn out_of_reach(&self) -> Vec<(&'static str, f64)> {
        let kind = self.places.first().and_then(|place| self.shape.metrics.get(*place)).map(|metric| metric.kind);
        let share = self.unit == Unit::Ratio || matches!(kind, Some(Kind::Flag | Kind::State(_)));
        let least = (self.unit != Unit::Celsius).then_some(0.0).filter(|_| share || kind == Some(Kind::Counter));
        let unreachable = |level: f64| match self.written.direction {
            Direction::Above => share && self.written.rate.is_none() && level > 1.0,
            Direction::Below => least.is_some_and(|least| level < least),
        };
        let levels = [("warning", self.written.warning), ("critical", self.written.critical)];
        levels
            .into_iter()
            .filter_map(|(key, level)| Some((key, level?)))
            .filter(|(_, level)| unreachable(*level))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::FAMILIES;
    use crate::metric::Interval;

    /// The findings, as `key: reason`, of one rule written so.
    fn check(text: &str) -> (Vec<String>, Vec<String>) {
        let rule: config::Rule = toml::from_str(text).expect("a rule");
        let compiled = compile_with(Vec::new(), &[rule], FAMILIES);
        let texts = |findings: Vec<Finding>| findings.into_iter().map(|f| format!("{}: {}", f.key, f.reason)).collect();
        (texts(compiled.errors), texts(compiled.warnings))
    }

    #[test]
    fn what_is_wrong_is_said_with_a_remedy() {
        let cases = [
            (
                "name='a'\nmetric='memory_used_rato'\nwarning=0.5",
                "metric: rule `a`: there is no metric `memory_used_rato`; the nearest is `memory_used_ratio`",
            ),
            ("name='a'\nmetric='memory_used_ratio'", "warning: rule `a`: one of `warning` and `critical` is needed"),
            (
                "name='a'\nmetric='memory_used_ratio'\nwarning=0.5\ncritical=0.4",
                "critical: rule `a`: `critical` (0.4) must be above `warning` (0.5)",
            ),
            (
                "name='a'\nmetric='memory_free_bytes'\nwarning=5\ncritical=6\ndirection='below'",
                "critical: rule `a`: `critical` (6) must be below `warning` (5)",
            ),
            (
                "name='a'\nmetric='memory_used_ratio'\nwarning=0.5\nclear=0.6",
                "clear: rule `a`: `clear` (0.6) must not be above the level that raises (0.5)",
            ),
            ("name='a'\nmetric='memory_used_ratio'\nwarning=nan", "warning: rule `a`: a level is a finite number"),
            (
                "name='a'\nmetric='section_state'\nwarning=1\nmatch={stat='late'}",
                "match: rule `a`: vitals_section_state has no label `stat`; the nearest is `state`",
            ),
            ("name=''\nmetric='memory_used_ratio'\nwarning=1", "name: a rule needs a name"),
        ];
        for (text, expected) in cases {
            assert_eq!(check(text), (vec![expected.to_string()], vec![]), "{text}");
        }
    }

    #[test]
    fn metrics_of_text_files_are_known_by_their_prefix() {
        let good = "name='a'\nmetric='textfile:devices_seen'\nwarning=5\nmatch={zone='a*'}";
        assert_eq!(check(good), (vec![], vec![]));
        for metric in ["devices_seen", "textfile:", "sample_number"] {
            let (errors, _) = check(&format!("name='a'\nmetric='{metric}'\nwarning=5"));
            assert_eq!(errors.len(), 1, "{metric}: {errors:?}");
        }
    }

    #[test]
    fn a_level_out_of_reach_is_a_warning() {
        let (errors, warnings) = check("name='a'\nmetric='vitals_memory_used_ratio'\nwarning=85");
        assert_eq!((errors.len(), warnings.len()), (0, 1));
        assert_eq!(check("name='a'\nmetric='memory_free_bytes'\nwarning=85"), (vec![], vec![]));
    }

    #[test]
    fn a_written_rule_replaces_or_removes_a_built_in_one() {
        let rule = |name: &str, warning| config::Rule {
            name: name.into(),
            metric: "memory_used_ratio".into(),
            warning: Some(warning),
            ..Default::default()
        };
        let off = config::Rule { name: "off".into(), enabled: false, ..Default::default() };
        let mut held = rule("mine", 0.1);
        held.hold = Some(Interval::seconds(5));
        let compiled =
            compile_with(vec![rule("mine", 0.9), rule("off", 0.9), rule("kept", 0.9)], &[held, off], FAMILIES);
        let in_force: Vec<_> = compiled.rules.iter().map(|r| (r.written.name.as_str(), r.written.warning)).collect();
        assert_eq!(in_force, [("kept", Some(0.9)), ("mine", Some(0.1))]);
        assert_eq!(compiled.errors, []);
    }
}
