//! Command lines in help texts and documents: found, taken apart as a shell does it, and run.

use std::process::Command;

/// Command lines behind `$ ` (in help texts) in a text; a backslash at the end goes on in the next
/// line.
pub(crate) fn behind_prompts(text: &str) -> Vec<String> {
    joined(text).into_iter().filter_map(|line| Some(line.strip_prefix("$ ")?.to_owned())).collect()
}

/// Command lines of the `sh` blocks of a Markdown document, without comments.
pub(crate) fn in_shell_blocks(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut rest = text;
    while let Some((_, block)) = rest.split_once("```sh\n") {
        let (block, behind) = block.split_once("```").expect("a block ends");
        let lines = joined(block).into_iter();
        let lines = lines.map(|line| match line.split_once(" #") {
            Some((command, _)) => command.trim().to_owned(),
            None => line,
        });
        commands.extend(lines.filter(|line| !line.is_empty() && !line.starts_with('#')));
        rest = behind;
    }
    commands
}

/// Lines without their indentation, those that end with a backslash joined with the next.
fn joined(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begun = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(part) = line.strip_suffix('\\') {
            begun.push_str(part);
        } else {
            lines.push(format!("{begun}{line}"));
            begun.clear();
        }
    }
    lines
}

/// The words of a command line: quotes hold words together, as in a shell.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for character in line.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(character), true),
            (None, ' ') if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (None, ' ') => {}
            (Some(_) | None, other) => {
                word.push(other);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// Runs a `sanbang …` command line with this command, and gives what it left behind. It must end
/// with status 0.
pub(crate) fn run(mut command: Command, line: &str) -> String {
    let words = words(line);
    assert_eq!(words[0], "sanbang", "`{line}` is not for the program");
    let output = command.args(&words[1..]).output().expect("the program is built");
    let told = super::program::told(&output);
    assert!(output.status.success(), "$ {line}\n{told}");
    told
}

#[test]
fn command_lines_are_taken_apart_as_a_shell_does_it() {
    let line = "sanbang log p 'a b' --field summary='x = \"y\"' --empty ''";
    let expected = ["sanbang", "log", "p", "a b", "--field", "summary=x = \"y\"", "--empty", ""];
    assert_eq!(words(line), expected);
    let text = "Examples:\n  $ sanbang a \\\n      --b\n  $ sanbang c\nEnd";
    assert_eq!(behind_prompts(text), ["sanbang a --b", "sanbang c"]);
    let text = "Text\n```sh\ncargo test  # all\n# only this\nsanbang a \\\n  b\n```\nEnd";
    assert_eq!(in_shell_blocks(text), ["cargo test", "sanbang a b"]);
}
