//! Filters of lists: `name = "value"` joined by `AND`, several values of one name by `OR`, which
//! binds tighter (as in AIP-160, of which this is a part).
//!
//! Knows which names a list has only by what it is given, and never what they mean.

use std::iter::Peekable;
use std::str::CharIndices;

use super::violations::Violations;

/// Terms that one filter may hold.
const TERMS_MAX: usize = 64;

/// What is asked of one name: any of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// The name.
    pub(super) name: String,
    /// The values.
    pub(super) values: Vec<String>,
}

/// Reads a filter whose names are among `names`, or begin with one that ends in a dot.
pub(super) fn parse(found: &mut Violations, text: &str, names: &[&str]) -> Vec<Term> {
    match Reader::new(text).filter() {
        Ok(terms) => {
            for term in &terms {
                let known = |name: &&str| {
                    *name == term.name || (name.ends_with('.') && term.name.starts_with(*name))
                };
                if !names.iter().any(known) {
                    let problem =
                        format!("there is no name `{}` here, but {}", term.name, names.join(", "));
                    found.add("filter", problem);
                }
            }
            terms
        }
        Err(problem) => {
            found.add("filter", problem);
            Vec::new()
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Equals,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, rest: text.char_indices().peekable() }
    }

    fn filter(mut self) -> Result<Vec<Term>, String> {
        let mut terms: Vec<Term> = Vec::new();
        let mut joined_by_or = false;
        while let Some((name, value)) = self.comparison(terms.is_empty())? {
            if joined_by_or {
                join(&mut terms, &name, value)?;
            } else if terms.iter().any(|term| term.name == name) {
                return Err(format!("`{name}` is asked twice: join its values by `OR`"));
            } else {
                terms.push(Term { name, values: vec![value] });
            }
            if terms.iter().map(|term| term.values.len()).sum::<usize>() > TERMS_MAX {
                return Err(format!("it has more than {TERMS_MAX} terms"));
            }
            match self.token()? {
                None => return Ok(terms),
                Some(Token::Word(word)) if word == "AND" => joined_by_or = false,
                Some(Token::Word(word)) if word == "OR" => joined_by_or = true,
                Some(_) => return Err(self.expected("`AND` or `OR`")),
            }
        }
        Ok(terms)
    }

    fn comparison(&mut self, may_be_absent: bool) -> Result<Option<(String, String)>, String> {
        let name = match self.token()? {
            None if may_be_absent => return Ok(None),
            Some(Token::Word(name)) => name,
            _ => return Err(self.expected("a name")),
        };
        if self.token()? != Some(Token::Equals) {
            return Err(self.expected("`=`"));
        }
        match self.token()? {
            Some(Token::Word(value) | Token::Quoted(value)) => Ok(Some((name, value))),
            _ => Err(self.expected("a value")),
        }
    }

    fn token(&mut self) -> Result<Option<Token>, String> {
        while self.rest.next_if(|(_, each)| each.is_whitespace()).is_some() {}
        let Some((_, first)) = self.rest.next() else { return Ok(None) };
        match first {
            '=' => Ok(Some(Token::Equals)),
            '"' => self.quoted().map(Some),
            first if is_word(first) => {
                let mut word = String::from(first);
                while let Some((_, each)) = self.rest.next_if(|(_, each)| is_word(*each)) {
                    word.push(each);
                }
                Ok(Some(Token::Word(word)))
            }
            other => Err(format!("`{other}` is not expected in `{}`", self.text)),
        }
    }

    fn quoted(&mut self) -> Result<Token, String> {
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some((_, '"')) => return Ok(Token::Quoted(text)),
                Some((_, '\\')) => match self.rest.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    _ => return Err("`\\` stands only before `\"` and `\\`".to_owned()),
                },
                Some((_, each)) => text.push(each),
                None => return Err("a quotation is not closed".to_owned()),
            }
        }
    }

    fn expected(&mut self, what: &str) -> String {
        let at = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        format!("{what} is expected before character {}", self.text[..at].chars().count() + 1)
    }
}

fn join(terms: &mut [Term], name: &str, value: String) -> Result<(), String> {
    match terms.last_mut() {
        Some(last) if last.name == name => {
            last.values.push(value);
            Ok(())
        }
        other => {
            let other = other.map(|term| term.name.as_str()).unwrap_or_default();
            Err(format!("`OR` joins values of one name: `{other}` and `{name}` are two"))
        }
    }
}

fn is_word(each: char) -> bool {
    each.is_alphanumeric() || "_-.:*".contains(each)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let mut found = Violations::default();
        let terms = parse(&mut found, text, &["workflow", "light", "fields."]);
        match found.finish(terms) {
            Ok(terms) => {
                let shown = terms.iter().map(|term| format!("{}∈{:?}", term.name, term.values));
                shown.collect::<Vec<_>>().join(" ")
            }
            Err(told) => told.into_iter().map(|each| each.problem).collect::<Vec<_>>().join("; "),
        }
    }

    #[test]
    fn filters_are_read() {
        insta::assert_snapshot!(
            read(r#"workflow = "investment_project" AND light=yellow OR light = "red""#),
            @r#"workflow∈["investment_project"] light∈["yellow", "red"]"#
        );
        insta::assert_snapshot!(
            read(r#"fields.investor = "a \"b\" 华""#),
            @r#"fields.investor∈["a \"b\" 华"]"#
        );
        assert_eq!(read("  "), "");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = [
            "stage = signing",
            "light = red OR workflow = x",
            "light = red AND light = blue",
            "light red",
            "light = ",
            "light = red,",
            "light = red x",
            "light = \"red",
            "light = red AND",
        ];
        insta::assert_snapshot!(wrong.map(read).join("\n"), @r#"
        there is no name `stage` here, but workflow, light, fields.
        `OR` joins values of one name: `light` and `workflow` are two
        `light` is asked twice: join its values by `OR`
        `=` is expected before character 10
        a value is expected before character 9
        `,` is not expected in `light = red,`
        `AND` or `OR` is expected before character 14
        a quotation is not closed
        a name is expected before character 16
        "#);
    }
}
