//! SCRAM-SHA-256 (RFC 5802, RFC 7677) from the client's side: a password is proved without being sent, and the server proves
//! that it knows it too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// The length of a block of SHA-256.
const BLOCK: usize = 64;
/// More rounds than any server asks for; each costs time.
const ROUNDS_MAX: u32 = 1_000_000;

/// A conversation that has begun.
#[derive(Debug)]
pub(crate) struct Scram {
    /// What was said of the user and the nonce.
    bare: String,
}

/// What is said next, and what the server then has to answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Final {
    /// The client's last message.
    pub(crate) message: String,
    /// The server's, if it knows the password.
    pub(crate) expected: String,
}

impl Scram {
    /// The user's name is not part of it for `PostgreSQL`, which knows it already.
    pub(crate) fn new(user: &str, nonce: &str) -> Self {
        Scram { bare: format!("n={user},r={nonce}") }
    }

    /// The first message.
    pub(crate) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// What follows from the server's first message; nothing where that makes no sense.
    pub(crate) fn answer(&self, password: &str, said: &str) -> Option<Final> {
        let field = |name: &str| said.split(',').find_map(|field| field.strip_prefix(name));
        let (nonce, salt) = (field("r=")?, BASE64.decode(field("s=")?).ok()?);
        let rounds = field("i=")?.parse().ok().filter(|rounds| (1..=ROUNDS_MAX).contains(rounds))?;
        let own = self.bare.split_once(",r=")?.1;
        if !nonce.starts_with(own) || nonce.len() == own.len() {
            return None;
        }
        let salted = stretched(password.as_bytes(), &salt, rounds);
        let client_key = keyed(&salted, b"Client Key");
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{said},{without_proof}", self.bare);
        let signature = keyed(&Sha256::digest(client_key), all.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, sign)| key ^ sign).collect();
        let server = keyed(&keyed(&salted, b"Server Key"), all.as_bytes());
        Some(Final {
            message: format!("{without_proof},p={}", BASE64.encode(proof)),
            expected: format!("v={}", BASE64.encode(server)),
        })
    }
}

/// HMAC-SHA-256.
fn keyed(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

/// PBKDF2 with one block of output.
fn stretched(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let mut last = keyed(password, &[salt, &[0, 0, 0, 1]].concat());
    let mut all = last;
    for _ in 1..rounds {
        last = keyed(password, &last);
        all.iter_mut().zip(last).for_each(|(byte, other)| *byte ^= other);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    #[test]
    fn the_example_of_the_standard() {
        let scram = Scram::new("user", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let said = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let answer = scram.answer("pencil", &said).unwrap();
        let message = format!("c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        assert_eq!(answer, Final { message, expected: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned() });
        assert_ne!(scram.answer("pencils", &said).unwrap(), answer);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let scram = Scram::new("", "abc");
        for said in
            ["", "r=abcd", "r=xyz,s=AAAA,i=1", "r=abc,s=AAAA,i=1", "r=abcd,s=?,i=1", "r=abcd,s=AAAA,i=999999999"]
        {
            assert_eq!(scram.answer("secret", said), None, "{said}");
        }
        assert!(scram.answer("secret", "r=abcd,s=AAAA,i=1").is_some());
    }
}
