//! Chance that can be repeated: a small generator, and a seed that is told when a test fails.

/// A small generator: the same numbers for the same seed, for ever.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(of.len() as u64)).expect("below a length");
        &of[at]
    }

    /// Another generator, for somebody who draws at a time of their own.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }
}

/// Prints the seed when the test fails.
pub(crate) struct Seed {
    /// The environment variable that repeats it.
    pub(crate) variable: &'static str,
    pub(crate) seed: u64,
}

impl Seed {
    /// The seed that the environment names, or this one.
    pub(crate) fn from_environment(variable: &'static str, otherwise: u64) -> Self {
        Self { variable, seed: number_from_environment(variable).unwrap_or(otherwise) }
    }

    pub(crate) fn random(&self) -> Random {
        Random::new(self.seed)
    }
}

impl Drop for Seed {
    #[expect(clippy::print_stdout, reason = "this is how the seed is told")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}={}", self.variable, self.seed);
        }
    }
}

/// A number from the environment: how long a test runs, or its seed.
pub(crate) fn number_from_environment(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}
