//! What the READMEs promise: the same commands in both languages, pages that exist, and lengths that can be read.

#![expect(clippy::unwrap_used, reason = "what a helper of a test cannot do ends the test")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn page(name: &str) -> String {
    fs_err::read_to_string(root().join(name)).unwrap()
}

/// The lines in a page's code blocks that are commands.
fn commands(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && (line.starts_with("cargo ") || line.starts_with("git ")) {
            commands.push(line.split('#').next().unwrap_or_default().trim().to_owned());
        }
    }
    commands
}

#[test]
fn the_main_commands_stand_in_both_and_in_the_gate() {
    let (english, chinese) = (commands(&page("README.md")), commands(&page("README.zh-CN.md")));
    for command in
        ["cargo run --release -- run", "cargo test --workspace", "cargo run --release -- run nwr:n=3,w=1,r=1"]
    {
        assert!(english.iter().any(|line| line == command), "{command} is missing in README.md: {english:?}");
        assert!(chinese.iter().any(|line| line == command), "{command} is missing in README.zh-CN.md: {chinese:?}");
    }
    for command in &chinese {
        assert!(english.contains(command), "{command} stands in README.zh-CN.md alone");
    }
    assert!(page(".ci/run").contains("cargo test --workspace"), ".ci/run calls the README's test command");
}

#[test]
fn the_pages_that_are_named_exist() {
    for name in ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = page(name);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let path = link.split('#').next().unwrap_or_default();
            assert!(root().join(path).exists(), "{name} leads to {link}, which does not exist");
        }
    }
}

#[test]
fn they_are_short() {
    assert!(page("README.md").lines().count() < 200);
    assert!(page("README.zh-CN.md").lines().count() <= 80);
}
