//! How an alarm or a notice is told, with the commands that stop the harm.

use super::{Desk, Failure, show};
use crate::command::told;
use concord_client::transport::Node;
use concord_client::watch::{Finding, Weight};
use concord_spec::id::Number;
use concord_spec::record::{Action, Issue};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

impl Desk<'_> {
    pub(super) fn tell(&mut self, node: &Node, finding: &Finding) -> Result<(), Failure> {
        let weight = finding.kind.weight();
        let payload = finding.record.payload();
        let does = told::sentence(&payload.action);
        let mut object = json!({
            "kind": finding.kind.name(),
            "office": self.options.office,
            "by": payload.actor.to_string(),
            "does": does,
            "series": finding.series,
            "record": finding.record.id(),
            "height": finding.height,
            "seen_ms": show::now(),
        });
        let mut words = format!("block {}: {} {does}", finding.height, payload.actor);
        match weight {
            Weight::Notice => self.say("notice", &words, object),
            Weight::Alarm => {
                self.alarms = self.alarms.saturating_add(1);
                let commands = self.commands(node, finding);
                for (name, command) in &commands {
                    words.push_str(&format!("\n  to {name}:  {command}"));
                    if let Value::Object(fields) = &mut object {
                        fields.insert((*name).to_owned(), json!(command));
                    }
                }
                self.say(
                    "alarm",
                    &format!("ALARM, no journal of the office knows this record: {words}"),
                    object.clone(),
                )?;
                if let Some(command) = &self.options.exec {
                    run(command, &object);
                }
                Ok(())
            }
        }
    }

    /// The commands that stop the harm: freeze the series, revoke what was issued.
    fn commands(&self, node: &Node, finding: &Finding) -> Vec<(&'static str, String)> {
        let Some(series) = finding.series else {
            return Vec::new();
        };
        let need = self.threshold(node).unwrap_or(1);
        let keys: Vec<String> = match need {
            1 => vec!["KEY".to_owned()],
            _ => (1..=need).map(|number| format!("KEY{number}")).collect(),
        };
        let keys = keys.join(" ");
        let base = node.base();
        let mut commands = vec![(
            "freeze",
            format!("concord series freeze {series} --office-key {keys} --node {base}"),
        )];
        if let Action::Issue(Issue { first, count, .. }) = &finding.record.payload().action {
            let last = Number(first.0.saturating_add(*count).saturating_sub(1));
            commands.push((
                "revoke",
                format!(
                    "concord status set {series} {first}-{last} --revoke --reason key-compromise --office-key {keys} --node {base}"
                ),
            ));
        }
        commands
    }

    /// How many keys of the office sign; an alarm does not wait for a node that does not answer.
    fn threshold(&self, node: &Node) -> Option<usize> {
        let registered = node.office(&self.options.office).ok()??;
        Some(registered.keyring.threshold())
    }
}

/// Runs a command with the alarm on its standard input, and does not wait for it: the next alarm may come.
fn run(command: &str, object: &Value) {
    let spawned = Command::new("sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return show::remark(&format!("the command {command:?} cannot be run: {error}")),
    };
    let (text, command) = (format!("{object}\n"), command.to_owned());
    std::thread::spawn(move || {
        if let Some(mut input) = child.stdin.take() {
            // A command that does not read its input is none the worse for it.
            let _ = input.write_all(text.as_bytes());
        }
        match child.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => show::remark(&format!("the command {command:?} ended with {status}")),
            Err(error) => show::remark(&format!("the command {command:?} was lost: {error}")),
        }
    });
}
