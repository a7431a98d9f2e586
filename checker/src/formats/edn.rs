//! Reads EDN (the data notation of Clojure) straight into JSON values.
//!
//! What JSON does not have becomes what is nearest: keywords, symbols and characters become strings (a keyword without
//! its colon), lists and vectors arrays, sets arrays in one fixed order (so that equal sets stay equal), ratios and
//! numbers beyond 64 bits strings with all their digits. A tag is dropped and its value kept. The parser knows no events.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// How deep values may lie in each other; the parser recurses, and the stack is not endless.
const DEPTH_LIMIT: usize = 128;

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where it is wrong.
    pub(super) offset: usize,
    /// Where the outermost form begins in which it is.
    pub(super) form: usize,
    /// The text ends in the middle of a form.
    pub(super) at_end: bool,
    pub(super) reason: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(offset: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Fault { offset, form: offset, at_end: false, reason: reason.into() }
    }

    pub(super) fn end(offset: usize) -> Self {
        Fault { at_end: true, ..Fault::new(offset, "the text ends in the middle of a form") }
    }
}

/// A place in a text.
pub(super) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Parser { text, at: 0, depth: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The first byte of the next form or its closing bracket, which then stands at the offset; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Fault> {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\n' | b',' | b'\t' | b'\r' | b'\x0c' | b'\x0b' => self.at += 1,
                b';' => self.skip_line(),
                b'#' if self.text.get(self.at + 1) == Some(&b'_') => {
                    self.at += 2;
                    self.value()?;
                }
                _ => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    /// Steps over a bracket that [`Parser::peek`] showed.
    pub(super) fn skip_byte(&mut self) {
        self.at += 1;
    }

    /// Whether the next form is a keyword.
    pub(super) fn is_keyword(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? == Some(b':'))
    }

    /// The next form.
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        if self.depth == DEPTH_LIMIT {
            return Err(Fault::new(self.at, format!("more than {DEPTH_LIMIT} forms lie in each other")));
        }
        self.depth += 1;
        let value = self.form()?;
        self.depth -= 1;
        Ok(value)
    }

    /// Steps into the map that comes next, over its tags; [`Parser::next_key`] and [`Parser::value`] take it from there.
    pub(super) fn open_map(&mut self) -> Result<(), Fault> {
        while self.form_begins_with(b'#')? {
            self.skip_tag()?;
        }
        if !self.form_begins_with(b'{')? {
            return Err(Fault::new(self.at, "expected a map"));
        }
        self.at += 1;
        Ok(())
    }

    /// The next key of the map that is open; none when it closes.
    pub(super) fn next_key(&mut self) -> Result<Option<Cow<'a, str>>, Fault> {
        match self.some_form()? {
            b'}' => {
                self.at += 1;
                Ok(None)
            }
            b':' => {
                let begin = self.at;
                let name = keyword(self.token(), begin).map_err(|fault| self.perhaps_cut(fault))?;
                Ok(Some(Cow::Borrowed(name)))
            }
            b'{' => Err(Fault::new(self.at, "a map stands as a key; does the one before it lack its bracket?")),
            _ => Ok(Some(Cow::Owned(match self.value()? {
                Value::String(key) => key,
                other => other.to_string(),
            }))),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(Fault::new(self.at, "something follows the value")),
        }
    }

    fn form(&mut self) -> Result<Value, Fault> {
        let next = self.some_form()?;
        match next {
            b'[' => self.sequence(b']').map(Value::Array),
            b'(' => self.sequence(b')').map(Value::Array),
            b'{' => self.map(),
            b'"' => self.string().map(Value::String),
            b'\\' => self.character(),
            b'#' => self.dispatch(),
            b']' | b')' | b'}' => Err(Fault::new(self.at, format!("'{}' closes nothing here", char::from(next)))),
            _ => {
                let begin = self.at;
                scalar(self.token(), begin).map_err(|fault| self.perhaps_cut(fault))
            }
        }
    }

    /// A token that is wrong and reaches to the end of the text may have been right before it was cut.
    fn perhaps_cut(&self, fault: Fault) -> Fault {
        Fault { at_end: self.at == self.text.len(), ..fault }
    }

    /// The first byte of the next form, which must be there.
    pub(super) fn some_form(&mut self) -> Result<u8, Fault> {
        self.peek()?.ok_or_else(|| Fault::end(self.at))
    }

    fn form_begins_with(&mut self, byte: u8) -> Result<bool, Fault> {
        Ok(self.some_form()? == byte)
    }

    /// The elements up to the bracket that closes, from the one that opens.
    fn sequence(&mut self, closer: u8) -> Result<Vec<Value>, Fault> {
        self.at += 1;
        let mut values = Vec::new();
        while !self.form_begins_with(closer)? {
            values.push(self.value()?);
        }
        self.at += 1;
        Ok(values)
    }

    fn map(&mut self) -> Result<Value, Fault> {
        self.at += 1;
        let mut fields = Map::new();
        while let Some(key) = self.next_key()? {
            let at = self.at;
            if fields.insert(key.into_owned(), self.value()?).is_some() {
                return Err(Fault::new(at, "a key stands twice in this map"));
            }
        }
        Ok(Value::Object(fields))
    }

    /// What begins with `#`: a set, `##Inf` and the like, or a tag before its value.
    fn dispatch(&mut self) -> Result<Value, Fault> {
        match self.text.get(self.at + 1) {
            Some(b'{') => {
                self.at += 1;
                let mut values = self.sequence(b'}')?;
                values.sort_by_cached_key(|value| (value.as_i64().is_none(), value.as_i64(), value.to_string()));
                Ok(Value::Array(values))
            }
            Some(b'#') => {
                let begin = self.at;
                self.at += 2;
                let name = text(self.token(), begin).map_err(|fault| self.perhaps_cut(fault))?;
                Ok(Value::from(name))
            }
            _ => {
                self.skip_tag()?;
                self.value()
            }
        }
    }

    fn skip_tag(&mut self) -> Result<(), Fault> {
        let begin = self.at;
        self.at += 1;
        match (self.token(), self.text.get(self.at)) {
            ([], None) => Err(Fault::end(begin)),
            ([], Some(_)) => Err(Fault::new(begin, "no tag follows the #")),
            _ => Ok(()),
        }
    }

    /// Everything up to white space, a bracket or a quotation mark.
    fn token(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&byte| is_delimiter(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn string(&mut self) -> Result<String, Fault> {
        let begin = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\')) else {
                return Err(Fault::end(self.text.len()));
            };
            bytes.extend_from_slice(&rest[..length]);
            self.at += length + 1;
            if rest[length] == b'"' {
                break;
            }
            let escaped = self.escape()?;
            bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
        }
        String::from_utf8(bytes).map_err(|_| Fault::new(begin, "the string is not UTF-8"))
    }

    /// What a backslash in a string stands for; the place is behind it.
    fn escape(&mut self) -> Result<char, Fault> {
        let begin = self.at - 1;
        let &byte = self.text.get(self.at).ok_or_else(|| Fault::end(self.text.len()))?;
        self.at += 1;
        match byte {
            b'n' => Ok('\n'),
            b't' => Ok('\t'),
            b'r' => Ok('\r'),
            b'b' => Ok('\x08'),
            b'f' => Ok('\x0c'),
            b'"' | b'\\' => Ok(char::from(byte)),
            b'u' => {
                let first = self.code_unit(begin)?;
                let is_pair = (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with(b"\\u");
                let second = if is_pair {
                    self.at += 2;
                    Some(self.code_unit(begin)?)
                } else {
                    None
                };
                let decoded = char::decode_utf16([first].into_iter().chain(second)).next();
                decoded.and_then(Result::ok).ok_or_else(|| Fault::new(begin, "half of a surrogate pair"))
            }
            _ => Err(Fault::new(begin, "an escape that EDN does not have")),
        }
    }

    fn code_unit(&mut self, begin: usize) -> Result<u16, Fault> {
        let Some(digits) = self.text.get(self.at..self.at + 4) else { return Err(Fault::end(self.text.len())) };
        self.at += 4;
        hexadecimal(digits).ok_or_else(|| Fault::new(begin, "four hexadecimal digits have to follow \\u"))
    }

    /// `\a`, `\newline`, `\u0041`.
    fn character(&mut self) -> Result<Value, Fault> {
        let begin = self.at;
        self.at += 1;
        // The first byte belongs to the character even where it is a bracket.
        if self.at >= self.text.len() {
            return Err(Fault::end(begin));
        }
        self.at += 1;
        self.token();
        character(&self.text[begin + 1..self.at], begin).map_err(|fault| self.perhaps_cut(fault))
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }
}

/// The character that has this name.
fn character(name: &[u8], begin: usize) -> Result<Value, Fault> {
    let name = text(name, begin)?;
    let character = match name {
        "newline" => "\n".to_owned(),
        "return" => "\r".to_owned(),
        "space" => " ".to_owned(),
        "tab" => "\t".to_owned(),
        "formfeed" => "\x0c".to_owned(),
        "backspace" => "\x08".to_owned(),
        _ if name.chars().count() == 1 => name.to_owned(),
        _ => {
            let unit = name.strip_prefix('u').and_then(|digits| hexadecimal(digits.as_bytes()));
            let decoded = unit.and_then(|unit| char::from_u32(unit.into()));
            decoded.ok_or_else(|| Fault::new(begin, "a character that EDN does not have"))?.to_string()
        }
    };
    Ok(Value::String(character))
}

fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b',' | b'\x0b' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';' | b'\\')
}

fn hexadecimal(digits: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.len() == 4 && !digits.starts_with('+'))?;
    u16::from_str_radix(digits, 16).ok()
}

fn text(token: &[u8], begin: usize) -> Result<&str, Fault> {
    let token = str::from_utf8(token).map_err(|_| Fault::new(begin, "this is not UTF-8"))?;
    match token.chars().find(|character| character.is_control()) {
        Some(control) => Err(Fault::new(begin, format!("the character {control:?} stands outside a string"))),
        None => Ok(token),
    }
}

fn keyword(token: &[u8], begin: usize) -> Result<&str, Fault> {
    match text(&token[1..], begin)? {
        "" => Err(Fault::new(begin, "a keyword needs a name")),
        name => Ok(name),
    }
}

/// A token that is no bracket: nil, a truth value, a number, a keyword or a symbol.
fn scalar(token: &[u8], begin: usize) -> Result<Value, Fault> {
    match token {
        b"nil" => Ok(Value::Null),
        b"true" => Ok(Value::Bool(true)),
        b"false" => Ok(Value::Bool(false)),
        [b':', ..] => keyword(token, begin).map(Value::from),
        [b'0'..=b'9', ..] | [b'-' | b'+', b'0'..=b'9', ..] => number(text(token, begin)?, begin),
        _ => text(token, begin).map(Value::from),
    }
}

fn number(token: &str, begin: usize) -> Result<Value, Fault> {
    let whole = token.strip_suffix('N').unwrap_or(token);
    if let Ok(number) = whole.parse::<i64>() {
        return Ok(Value::from(number));
    }
    if let Ok(number) = whole.parse::<u64>() {
        return Ok(Value::from(number));
    }
    if is_integer(whole) || token.split_once('/').is_some_and(|(over, under)| is_integer(over) && is_integer(under)) {
        return Ok(Value::from(token));
    }
    let decimal = token.strip_suffix('M').unwrap_or(token);
    if decimal != token && significant_digits(decimal) > f64::DIGITS as usize {
        // Exact decimals that would be one floating point number are told apart as texts.
        return Ok(Value::from(token));
    }
    let is_plain = decimal.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    match decimal.parse::<f64>() {
        Ok(float) if is_plain => Ok(Number::from_f64(float).map_or_else(|| Value::from(token), Value::Number)),
        _ => Err(Fault::new(begin, format!("{token:?} is no number"))),
    }
}

/// How many digits a decimal number has from the first that is not zero.
fn significant_digits(decimal: &str) -> usize {
    let mantissa = decimal.split(['e', 'E']).next().unwrap_or_default();
    mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|&digit| digit == b'0').count()
}

fn is_integer(digits: &str) -> bool {
    let digits = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
