//! `concord status reasons`: the public reasons with the life-cycle codes of Chinese registers.

use crate::command::{Done, Shared, show};
use concord_spec::status::{Reason, StatusKind};
use serde_json::{Map, Value, json};

/// What a reason is called in Chinese.
fn chinese(reason: Reason) -> &'static str {
    match reason {
        Reason::Unspecified => "未说明",
        Reason::Penalty => "处罚",
        Reason::Cancelled => "注销",
        Reason::Lapsed => "失效",
        Reason::Deceit => "骗取",
        Reason::IssuedInError => "错发",
        Reason::KeyCompromise => "密钥失窃",
        Reason::Investigation => "调查",
        Reason::Replaced => "换发",
        Reason::TransferredOut => "转出",
        Reason::Court => "司法",
        Reason::Lost => "遗失",
    }
}

/// `concord status reasons`.
pub(super) fn run(shared: &Shared) -> Done {
    let mut text = String::from("reason             life-cycle code of a status with it");
    for reason in Reason::ALL {
        let codes: Vec<(StatusKind, Option<&str>)> = StatusKind::ALL
            .into_iter()
            .map(|kind| (kind, reason.life_cycle_code(kind)))
            .collect();
        if shared.json {
            let object: Map<String, Value> = codes
                .iter()
                .map(|(kind, code)| (kind.to_string(), json!(code)))
                .collect();
            show::line(&json!({"reason": reason, "zh": chinese(*reason), "life_cycle": object}).to_string())?;
        }
        let codes: Vec<String> = codes
            .iter()
            .filter_map(|(kind, code)| Some(format!("{kind} {}", (*code)?)))
            .collect();
        text.push_str(&format!(
            "\n{:<17}  {}  {}",
            reason.to_string(),
            codes.join(", "),
            chinese(*reason)
        ));
    }
    if !shared.json {
        show::line(&format!("{text}\n01 is in force; annotations have no code"))?;
    }
    Ok(0)
}
