//! Alarms as tables of samples: what is fed in, second by second, and which events come of it.

use super::*;
use crate::health::config;
use crate::health::rules::compile_with;
use crate::metric::{Family, Index, Label, Metric, Unit};

/// One row a name: a share, a counter and a state.
#[derive(Default)]
struct Row {
    name: &'static str,
    wanted: Option<bool>,
    share: Option<f64>,
    errors: u64,
}

/// `None`: the section failed.
struct Host(Option<Vec<Row>>, Duration);

impl Source for Host {
    fn read_at(&self, _: &str) -> Option<Duration> {
        self.0.as_ref().map(|_| self.1)
    }
}

static FAMILY: Family<Host, Row> = Family {
    section: "thing",
    subject: "thing",
    object: "Thing",
    arc: 1,
    help: "A thing.",
    exported: true,
    rows: |host, visit| host.0.iter().flatten().for_each(visit),
    index: Index::Scalar,
    labels: &[Label::identity(1, "name", "Its name.", "test", |row: &Row| Some(row.name.into()))],
    metrics: &[
        Metric::gauge(2, "used_ratio", Unit::Ratio, "How full it is.", "test", |row: &Row| row.share.map(Into::into)),
        Metric::flag(4, "wanted", "Whether it matters.", "test", |row: &Row| row.wanted.map(Into::into)),
        Metric::state(5, "state", &["good", "bad"], "How it is.", "test", |row: &Row| {
            row.share.map(|share| if share < 0.5 { 1_u32 } else { 2 }.into())
        }),
        Metric::counter(3, "errors_total", Unit::Count, "Errors.", "test", |row: &Row| Some(row.errors.into())),
    ],
};

fn assessor(rule: &str, memory: Memory) -> Assessor<Host> {
    let rule: config::Rule = toml::from_str(rule).expect("a rule");
    let compiled = compile_with(Vec::new(), &[rule], &[&FAMILY]);
    assert_eq!(compiled.errors, []);
    Assessor::new(compiled.rules, memory)
}

fn now(second: u64) -> Now {
    let wall = jiff::Timestamp::from_second(i64::try_from(1_700_000_000 + second).expect("small")).expect("a moment");
    Now { wall, monotonic: Duration::from_secs(second) }
}

fn words(events: &[Event]) -> String {
    let word = |event: &Event| match (event.kind, event.alarm.severity) {
        (EventKind::Raised, severity) => format!("+{severity:?}"),
        (EventKind::Changed, severity) => format!("={severity:?}"),
        (EventKind::Cleared, _) => "-".to_string(),
    };
    events.iter().map(word).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What the rule says of these shares of one thing, at one look a second: events of each look.
fn check(rule: &str, looks: &[(Option<f64>, &str)]) {
    let mut assessor = assessor(rule, Memory::default());
    for (second, (share, expected)) in (0..).zip(looks) {
        let host = Host(Some(vec![Row { name: "a", share: *share, ..Row::default() }]), Duration::from_secs(second));
        let events = assessor.assess(&host, now(second));
        assert_eq!(words(&events), *expected, "at {second} s of {looks:?}");
    }
}

const RULE: &str = "name='full'\nmetric='thing_used_ratio'\nwarning=0.8\ncritical=0.9\nclear=0.7\n";

#[test]
fn levels_raise_change_and_clear_once() {
    check(
        RULE,
        &[
            (Some(0.79), ""),
            (Some(0.80), "+warning"),
            (Some(0.85), ""),
            (Some(0.75), ""),
            (Some(0.81), ""),
            (Some(0.95), "=critical"),
            (Some(0.85), "=warning"),
            (Some(0.71), ""),
            (Some(0.70), "-"),
            (Some(0.75), ""),
            (Some(0.99), "+critical"),
            (Some(0.10), "-"),
        ],
    );
}

#[test]
fn without_a_clear_level_the_warning_level_clears() {
    let rule = "name='full'\nmetric='thing_used_ratio'\nwarning=0.8\n";
    check(rule, &[(Some(0.8), "+warning"), (Some(0.8), ""), (Some(0.79), "-"), (Some(0.79), "")]);
}

#[test]
fn only_a_critical_level_stays_critical_until_it_clears() {
    let rule = "name='full'\nmetric='thing_used_ratio'\ncritical=0.9\nclear=0.5\n";
    check(rule, &[(Some(0.9), "+critical"), (Some(0.6), ""), (Some(0.5), "-")]);
}

#[test]
fn below_is_the_mirror_of_above() {
    let rule = "name='low'\nmetric='thing_used_ratio'\ndirection='below'\nwarning=0.2\ncritical=0.1\nclear=0.3\n";
    check(rule, &[(Some(0.2), "+warning"), (Some(0.25), ""), (Some(0.1), "=critical"), (Some(0.3), "-")]);
}

#[test]
fn absent_facts_decide_nothing() {
    check(RULE, &[(None, ""), (Some(0.8), "+warning"), (None, ""), (Some(0.8), ""), (Some(0.1), "-"), (None, "")]);
    check(RULE, &[(Some(f64::NAN), ""), (Some(f64::INFINITY), "")]);
}

#[test]
fn a_level_must_be_passed_for_the_hold_time() {
    let rule = format!("{RULE}for='2s'");
    let held = [(Some(0.8), ""), (Some(0.8), ""), (Some(0.8), "+warning"), (Some(0.95), ""), (Some(0.95), "")];
    check(&rule, &held);
    check(&rule, &[(Some(0.8), ""), (Some(0.7), ""), (Some(0.8), ""), (Some(0.8), ""), (Some(0.8), "+warning")]);
    // A critical value counts towards the warning level's time.
    check(&rule, &[(Some(0.8), ""), (Some(0.95), ""), (Some(0.8), "+warning")]);
}

fn rows(shares: &[(&'static str, f64)]) -> Option<Vec<Row>> {
    Some(shares.iter().map(|(name, share)| Row { name, share: Some(*share), ..Row::default() }).collect())
}

#[test]
fn a_failed_section_keeps_alarms_and_a_vanished_row_clears_its_own() {
    let mut assessor = assessor(RULE, Memory::default());
    let mut look = |rows, second| words(&assessor.assess(&Host(rows, Duration::from_secs(second)), now(second)));
    assert_eq!(look(rows(&[("a", 0.8), ("b", 0.95)]), 0), "+warning +critical");
    assert_eq!(look(None, 1), "");
    assert_eq!(look(rows(&[("b", 0.95)]), 2), "-");
    assert_eq!(look(rows(&[("a", 0.8), ("b", 0.95)]), 3), "+warning");
    // Two rows of one name: the first decides.
    assert_eq!(look(rows(&[("a", 0.8), ("b", 0.95), ("b", 0.1)]), 4), "");
    let ids: Vec<u32> = assessor.alarms().iter().map(|alarm| alarm.id).collect();
    assert_eq!(ids, [2, 3]);
}

#[test]
fn a_restart_raises_nothing_again() {
    let host = Host(rows(&[("a", 0.85)]), Duration::ZERO);
    let mut first = assessor(RULE, Memory::default());
    assert_eq!(words(&first.assess(&host, now(100))), "+warning");
    let stored = serde_json::to_string(&first.memory()).expect("plain data");
    let memory: Memory = serde_json::from_str(&stored).expect("what was written");
    let mut second = assessor(RULE, memory);
    assert_eq!(words(&second.assess(&Host(None, Duration::ZERO), now(0))), "");
    assert_eq!(words(&second.assess(&host, now(1))), "");
    assert_eq!(second.alarms().first().map(|alarm| (alarm.id, alarm.raised)), Some((1, now(100).wall)));
    let events = second.assess(&Host(rows(&[("a", 0.1)]), Duration::ZERO), now(2));
    assert_eq!(events.first().map(|event| event.sequence), Some(2));
}

#[test]
fn alarms_of_a_rule_that_is_gone_clear() {
    let host = Host(rows(&[("a", 0.85)]), Duration::ZERO);
    let mut assessor = assessor(RULE, Memory::default());
    assert_eq!(words(&assessor.assess(&host, now(0))), "+warning");
    assessor.replace_rules(Vec::new());
    assert_eq!(words(&assessor.assess(&host, now(1))), "-");
}

#[test]
fn a_rate_is_growth_per_second_over_its_span() {
    let rule = "name='errors'\nmetric='thing_errors_total'\nrate='10s'\nwarning=1\n";
    let mut assessor = assessor(rule, Memory::default());
    // Read every 5 s, looked at more often; a fall is a restart of the count.
    let looks = [(0, 0, ""), (5, 100, ""), (5, 100, ""), (10, 100, "+warning"), (15, 100, "-"), (20, 109, "")];
    let reset = [(25, 0, ""), (30, 50, ""), (35, 50, "+warning")];
    for (read_at, errors, expected) in looks.into_iter().chain(reset) {
        let host = Host(Some(vec![Row { name: "a", errors, ..Row::default() }]), Duration::from_secs(read_at));
        assert_eq!(words(&assessor.assess(&host, now(read_at))), expected, "at {read_at} s");
    }
}

#[test]
fn alarms_have_a_bound() {
    let names: Vec<&'static str> = (0..1_100).map(|n: u32| &*Box::leak(n.to_string().into_boxed_str())).collect();
    let shares: Vec<_> = names.iter().map(|name| (*name, 0.85)).collect();
    let mut assessor = assessor(RULE, Memory::default());
    for second in 0..2 {
        assessor.assess(&Host(rows(&shares), Duration::ZERO), now(second));
        assert_eq!((assessor.alarms().len(), assessor.suppressed), (MOST_ALARMS, 100));
    }
}

#[test]
fn messages_are_filled_once() {
    let rule = format!("{RULE}message='{{name}} is {{value}} of {{threshold}} full, {{nothing}} {{'");
    let mut assessor = assessor(&rule, Memory::default());
    assessor.assess(&Host(rows(&[("{value}", 0.85)]), Duration::ZERO), now(0));
    let messages: Vec<_> = assessor.alarms().into_iter().map(|alarm| alarm.message).collect();
    assert_eq!(messages, ["{value} is 85.0 % of 80.0 % full, {nothing} {"]);
}

#[test]
fn states_and_flags_are_matched_by_their_names() {
    let rule = "name='bad'\nmetric='thing_state'\nwarning=1\nmatch={state='bad',wanted='1',name='a*'}\n";
    let mut assessor = assessor(rule, Memory::default());
    let mut look = |name, wanted, share| {
        let host = Host(Some(vec![Row { name, wanted, share: Some(share), errors: 0 }]), Duration::ZERO);
        words(&assessor.assess(&host, now(0)))
    };
    assert_eq!(look("b", Some(true), 0.9), "");
    assert_eq!(look("ab", Some(false), 0.9), "");
    assert_eq!(look("ab", None, 0.9), "", "not known to matter");
    assert_eq!(look("ab", Some(true), 0.9), "+warning");
    assert_eq!(look("ab", None, 0.1), "", "not known any more");
    assert_eq!(look("ab", Some(true), 0.1), "-");
    assert_eq!(look("ab", Some(true), 0.9), "+warning");
    assert_eq!(look("ab", Some(false), 0.9), "-", "no longer the rule's");
    assert_eq!(look("ab", Some(true), 0.9), "+warning");
    let instances: Vec<_> = assessor.alarms().into_iter().map(|alarm| alarm.instance).collect();
    assert_eq!(instances, ["name=ab"]);
}
