//! The command line: what it prints, and with which exit code.

use std::fs;
use std::process::{Command, Output};

use crate::agent::{Agent, directory, run, stderr, stdout, vitalsd};

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn check_config(text: &str, more: &[&str]) -> Output {
    let directory = directory();
    let file = directory.path().join("vitalsd.toml");
    fs::write(&file, text).expect("a file");
    run(vitalsd().arg("check-config").arg(&file).args(more))
}

#[test]
fn help_teaches() {
    let help = run(vitalsd().arg("--help"));
    assert_eq!(code(&help), Some(0));
    for command in ["run", "check-config", "mib", "metrics", "status", "rules", "engine", "user", "completions", "man"]
    {
        assert!(stdout(&help).contains(command), "{command}");
    }
    assert!(stdout(&run(vitalsd().arg("--version"))).starts_with("vitalsd "));
}

#[test]
fn check_config_says_all_that_is_wrong() {
    let bad = check_config("[snmp]\nlistne = []\n[collect]\ninterval = 7\n", &[]);
    assert_eq!(code(&bad), Some(2));
    let said = stdout(&bad) + &stderr(&bad);
    for part in ["vitalsd.toml", "listne", "`listen`", "interval"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let warned = check_config("[[snmp.community]]\nname = \"geheim\"\n", &["--effective"]);
    assert_eq!(code(&warned), Some(0), "{}", stderr(&warned));
    assert!(stderr(&warned).contains("secret"), "{}", stderr(&warned));
    assert!(stdout(&warned).contains("***") && !(stdout(&warned) + &stderr(&warned)).contains("geheim"));
}

#[test]
fn status_ends_as_monitoring_plugins_do() {
    // The fake host has a broken sensor, by its built-in rule a warning.
    let quiet = "[[rule]]\nname = \"sensor-broken\"\nenabled = false\n";
    let rule = |level: &str| {
        format!("{quiet}[[rule]]\nname = \"memory-test\"\nmetric = \"memory_used_ratio\"\n{level} = 0.0001\n")
    };
    for (more, expected, word) in
        [(quiet.to_string(), 0, "ok"), (rule("warning"), 1, "warning"), (rule("critical"), 2, "critical")]
    {
        let agent = Agent::on_fixture(&more);
        let status = run(vitalsd().arg("status").arg("--config").arg(agent.config()));
        assert_eq!(code(&status), Some(expected), "{}{}", stdout(&status), stderr(&status));
        assert!(stdout(&status).contains("memory"), "{}", stdout(&status));
        let json = run(vitalsd().args(["status", "--json"]).arg("--config").arg(agent.config()));
        let report: serde_json::Value = serde_json::from_str(&stdout(&json)).expect("JSON");
        assert_eq!(report["overall"], word);
        assert!(report["uptime_seconds"].is_number(), "it is the running agent that answered");
    }
    assert_eq!(code(&run(vitalsd().args(["status", "--nonsense"]))), Some(3));
    assert_eq!(code(&run(vitalsd().args(["status", "--config", "/nonexistent"]))), Some(3));
}

#[test]
fn a_second_agent_is_refused_with_the_reason() {
    let agent = Agent::on_fixture("");
    let second = run(vitalsd().arg("run").arg("--config").arg(agent.config()));
    assert_eq!(code(&second), Some(1));
    assert!(stderr(&second).contains("state"), "{}", stderr(&second));
    // With a state directory of its own it is the port that is taken.
    let text = fs::read_to_string(agent.config()).expect("a file").replace("/state\"", "/other\"");
    let file = agent.directory.path().join("other.toml");
    fs::write(&file, text).expect("a file");
    let third = run(vitalsd().arg("run").arg("--config").arg(&file));
    assert_eq!(code(&third), Some(1));
    assert!(stderr(&third).contains(&agent.port.to_string()), "{}", stderr(&third));
}

#[test]
fn a_reader_may_go_away() {
    let program = env!("CARGO_BIN_EXE_vitalsd");
    let output = run(Command::new("bash").args(["-o", "pipefail", "-c", &format!("'{program}' metrics | head -n 1")]));
    assert!(output.status.success() && !stderr(&output).contains("panicked"), "{}", stderr(&output));
}

#[test]
fn shells_and_man_are_served() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&run(vitalsd().args(["completions", shell]))).contains("check-config"), "{shell}");
    }
    let page = stdout(&run(vitalsd().arg("man")));
    assert!(page.contains(".TH vitalsd") && page.contains("vitalsd engine reset"));
}

#[test]
fn check_config_is_silent_on_what_is_right_and_points_at_what_is_not() {
    let good = check_config("[collect]\ninterval = \"5s\"\n", &[]);
    assert_eq!((code(&good), stdout(&good), stderr(&good)), (Some(0), String::new(), String::new()));
    let bad = check_config("[snmp]\nlistne = []\n", &[]);
    assert_eq!((code(&bad), stdout(&bad)), (Some(2), String::new()), "the report is on standard error");
    for part in ["vitalsd.toml:2:1\n", "did you mean `listen`?"] {
        assert!(stderr(&bad).contains(part), "{part}: {}", stderr(&bad));
    }
}

#[test]
fn status_without_an_agent_is_one_look() {
    let directory = directory();
    let file = directory.path().join("vitalsd.toml");
    let state = directory.path().join("state");
    fs::write(&file, format!("[agent]\nstate_dir = \"{}\"\n", state.display())).expect("a file");
    let status = run(vitalsd().args(["status", "--json"]).arg("--config").arg(&file));
    let report: serde_json::Value = serde_json::from_str(&stdout(&status)).expect("JSON");
    let expected = match report["overall"].as_str() {
        Some("ok") => 0,
        Some("warning") => 1,
        Some("critical") => 2,
        _ => 3,
    };
    assert_eq!(code(&status), Some(expected), "the code says what the report says");
    assert!(report["uptime_seconds"].is_null() && stderr(&status).contains("No agent is running"));
    assert!(!state.exists(), "a look leaves nothing behind");
    fs::write(&file, "[agent]\nstate_dir = 7\n").expect("a file");
    let broken = run(vitalsd().arg("status").arg("--config").arg(&file));
    assert_eq!((code(&broken), stdout(&broken)), (Some(3), String::new()));
    assert!(stderr(&broken).contains("vitalsd.toml:2"), "{}", stderr(&broken));
}

#[test]
fn bash_can_read_its_completions() {
    let directory = directory();
    let file = directory.path().join("vitalsd.bash");
    fs::write(&file, run(vitalsd().args(["completions", "bash"])).stdout).expect("a file");
    let read = run(Command::new("bash").arg("-n").arg(&file));
    assert!(read.status.success() && read.stderr.is_empty(), "{}", stderr(&read));
    assert_eq!(code(&run(vitalsd().args(["completions", "cobol"]))), Some(2));
}
