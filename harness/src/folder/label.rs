//! The label of a run folder: `nwr-register-standard`.

use crate::folder::PART_BYTES_MAX;
use crate::options::RunOptions;

/// The kinds of faults that `standard` stands for.
pub const STANDARD: [&str; 3] = ["partition", "kill", "pause"];

/// `<system>-<workload>-<faults>` by their names alone, safe as the name of a folder anywhere.
pub fn label(options: &RunOptions) -> String {
    let plan = options.plan.as_ref().and_then(|plan| plan.file_stem()).map(|name| name.to_string_lossy().into_owned());
    let faults = plan.unwrap_or_else(|| faults_in_short(options));
    sanitised(&format!("{}-{}-{faults}", options.system.name, options.workload.name))
}

fn faults_in_short(options: &RunOptions) -> String {
    let names: Vec<&str> = options.faults.iter().map(|fault| fault.name.as_str()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else if names == STANDARD && options.faults.iter().all(|fault| fault.params.is_empty()) {
        "standard".to_owned()
    } else {
        names.join(".")
    }
}

/// Only `[A-Za-z0-9._-]`, not hidden, and at most [`PART_BYTES_MAX`] bytes: each run of other characters becomes one
/// dash.
pub fn sanitised(text: &str) -> String {
    let mut part = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-') {
            part.push(character);
        } else if !part.ends_with('-') {
            part.push('-');
        }
        if part.len() == PART_BYTES_MAX {
            break;
        }
    }
    let shown = part.trim_start_matches(['.', '-']);
    if shown.is_empty() { "run".to_owned() } else { shown.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn labels_name_what_was_run() {
        let mut options = sample::options();
        assert_eq!(label(&options), "nwr-register-standard");
        options.faults.truncate(2);
        assert_eq!(label(&options), "nwr-register-partition.kill");
        options.faults.clear();
        assert_eq!(label(&options), "nwr-register-none");
        options.plan = Some("/tmp/../x/stale read.json".into());
        assert_eq!(label(&options), "nwr-register-stale-read");
    }

    #[test]
    fn any_text_becomes_a_harmless_part_of_a_path() {
        for (text, part) in
            [("a/../../b", "a-..-..-b"), ("..", "run"), ("", "run"), (".git", "git"), ("nwr:n=3,w=1", "nwr-n-3-w-1")]
        {
            assert_eq!(sanitised(text), part);
        }
        assert_eq!(sanitised(&"é".repeat(500)), "run");
        assert_eq!(sanitised(&"x".repeat(500)).len(), PART_BYTES_MAX);
    }
}
