//! Kinds of tests: with real servers, and in a process of their own.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// `#[test]`, and `#[ignore]` where neither `AOFKIT_SERVERS` nor `AOFKIT_REQUIRE_SERVERS` is set.
///
/// libtest decides which tests it ignores before it runs any, so the decision is made when the test is compiled.
#[proc_macro_attribute]
pub fn server_test(_: TokenStream, test: TokenStream) -> TokenStream {
    let is_set = |variable| std::env::var_os(variable).is_some();
    let attributes = if is_set("AOFKIT_SERVERS") || is_set("AOFKIT_REQUIRE_SERVERS") {
        "#[test]"
    } else {
        "#[test] #[ignore = \"needs real servers: set AOFKIT_SERVERS\"]"
    };
    let mut tokens: TokenStream = attributes.parse().expect("two attributes");
    tokens.extend(test);
    tokens
}

/// `#[test]` in a process of its own; see `isolated` in the tests' harness, which it calls.
///
/// For tests that others would disturb: a process that is being started holds copies of all open files, and so their
/// locks.
#[proc_macro_attribute]
pub fn isolated_test(_: TokenStream, test: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = test.into_iter().collect();
    let at = tokens.iter().position(|token| token.to_string() == "fn").expect("a function");
    let (name, body) = (&tokens[at + 1], tokens.last().expect("a body"));
    let mut call: TokenStream = format!("module_path!(), \"{name}\", ||").parse().expect("arguments");
    call.extend([body.clone()]);
    let call = TokenTree::Group(Group::new(Delimiter::Parenthesis, call));
    let mut inner: TokenStream = "crate::harness::isolated".parse().expect("a path");
    inner.extend([call]);
    let mut wrapped: TokenStream = format!("#[test] fn {name}()").parse().expect("a signature");
    wrapped.extend([TokenTree::Group(Group::new(Delimiter::Brace, inner))]);
    wrapped
}
