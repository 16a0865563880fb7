"""Another company or series in a part of one symbol's history, as another column says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.columns.chosen_rows import cell_texts
from nextclose.data.reading.columns.keys import holds_symbols, is_key, symbol_setting
from nextclose.data.reading.columns.spellings import LESSER_SYMBOLS, canonical_name
from nextclose.data.suggestions import columns_setting, toml_value
from nextclose.schema import Finding

# Names of columns without marks between their words: CompanyName is company_name.
STEADY = {"permno", "permco", "gvkey", "cik", "lei"}  # a company keeps them under another name
IDS = {
    *STEADY,
    *("isin", "isincode", "isinnumber", "cusip", "cusip8", "cusip9", "ncusip", "sedol", "wkn"),
    *("figi", "compositefigi", "shareclassfigi", "bloomberg", "bloombergcode", "bloombergticker"),
    *("kdcode", "instrumentid", "assetid", "securityid", "companyid", "stockid", "underlying"),
    *("tradingsymbol", "contract", "contractcode", "contractsymbol", "contractname"),
}
COMPANIES = {
    *("company", "companyname", "name", "stockname", "issuer", "issuername", "securityname"),
    *("instrumentname", "longname", "shortname", "fullname", "comnam", "conm"),
    *("asset", "instrument", "security"),
}
LESSER = {name.replace("_", "") for name in LESSER_SYMBOLS}
DESCRIPTIONS = {*COMPANIES, *LESSER, "description"}  # of a file that only its name makes a symbol's
KINDS = {  # what one series has throughout
    *("expiry", "expiration", "expirydate", "expirationdate", "maturity", "contractmonth"),
    *("deliverymonth", "strike", "strikeprice", "optiontype", "putcall", "callput", "iid"),
    *("shareclass", "class", "type", "securitytype", "instrumenttype", "assettype", "assetclass"),
    *("unit", "units", "priceunit", "pricetype", "interval", "frequency", "freq", "timeframe"),
    *("resolution", "granularity", "barsize", "per", "adjflag", "adjustflag", "isadjusted"),
    *("adjustment", "adjustmenttype", "adjusttype", "pricebasis"),
}
PLACES = {  # what a company may change
    *("exchange", "exch", "exchangecode", "exchangename", "primaryexchange", "primaryexch", "mic"),
    *("market", "venue", "board", "boardid", "country", "countrycode", "source", "vendor"),
}
N_LISTED, N_OFFERED = 5, 3  # values of a message, and of its cure
LEAST_ROWS = 2  # of a part of a history
FAR = 10  # times the median move: no usual day


def second_company(
    frame: pl.DataFrame,
    keys: pl.DataFrame,
    others: Sequence[str],
    names: Mapping[str, str],
    *,
    path: str,
) -> list[Finding]:
    """Rule 67: another company or series under the same ticker, told by what one has throughout.

    In a file that only its name makes one symbol's, any name of companies or keys tells. Another
    exchange on a day without an unusual move is told only, and so is another name or paper of a
    company that keeps its number. `keys` has symbol, session and close of each row of `frame`.
    """
    telling = IDS | (COMPANIES if "symbol" in names.values() else DESCRIPTIONS)
    numbers = [name for name in others if _plain_key(name) in STEADY]
    told: list[Finding] = []
    for name in others:
        key = _plain_key(name)
        is_part = key in KINDS | PLACES and key not in telling
        is_told = is_key(frame[name]) if key in telling else is_part
        if not is_told or frame[name].n_unique() < 2:
            continue
        rows = keys.with_columns(cell_texts(frame[name]).alias("id"))
        hits = _parts(rows) if is_part else _other_ids(rows)
        if not hits.height:
            continue
        symbols = hits["symbol"].unique()
        is_kept = key in telling - STEADY and _keep_a_number(frame, keys, symbols, numbers)
        if key in PLACES:
            is_kept = not hits["is_far"].any()
        finding = _finding(name, frame[name], hits, is_part=is_part, is_told=is_kept, path=path)
        if not is_kept:
            return [finding]
        told.append(finding)
    return told


def tells_series(name: str) -> bool:
    """Whether a name says which company or series prices are of, or where they trade."""
    return _plain_key(name) in IDS | COMPANIES | KINDS | PLACES | {"adjusted"}


def folder_fault(name: str, values: Sequence[str], *, symbol: str, path: str) -> Finding:
    """Rule 67: folders (exchange=NYSE, exchange=LSE) that each hold a part of one symbol."""
    return Issue.REUSED_SYMBOL.finding(
        safe_text(f"folders of {name} {', '.join(values)}"),
        response="E",
        rule="one series under one symbol",
        fix=_part_fix(name, pl.Series(values), is_told=False),
        path=path,
        symbol=safe_text(symbol),
    )


def _plain_key(name: str) -> str:
    return canonical_name(name).replace("_", "")


def _other_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Each id once of symbols that have several, but for case and marks."""
    pairs = rows.with_row_index("at").drop_nulls(["symbol", "id"])
    pairs = pairs.unique(["symbol", "id"], keep="last", maintain_order=True)
    plain = pl.col("id").str.to_lowercase().str.replace_all(r"[^\pL\pN]", "")
    return pairs.filter(plain.n_unique().over("symbol") > 1)


def _parts(rows: pl.DataFrame) -> pl.DataFrame:
    """Each value once of symbols whose history is in parts, one a value; whether one begins far.

    Values that come back, or stand in a single row, say something of days and none of a series.
    """
    rows = rows.with_row_index("at").drop_nulls(["symbol", "session"])
    rows = rows.with_columns(pl.col("id").str.to_lowercase())
    rows = rows.sort("symbol", "session", maintain_order=True)
    price = pl.when(pl.col("close") > 0).then("close")
    before, move = pl.col("id").shift().over("symbol"), price.log().diff().abs().over("symbol")
    rows = rows.with_columns(is_new=pl.col("id") != before, move=move)
    usual = pl.col("move").median().over("symbol")
    rows = rows.with_columns(
        is_far=(pl.col("is_new") & (pl.col("move") > FAR * usual)).any().over("symbol"),
        n_rows=pl.len().over("symbol", "id"),
    )
    n_ids = pl.col("id").n_unique().over("symbol")
    is_whole = (pl.col("is_new").sum().over("symbol") == n_ids - 1) & (n_ids > 1)
    is_whole &= pl.col("id").is_not_null().all().over("symbol")
    is_whole &= pl.col("n_rows").min().over("symbol") >= LEAST_ROWS
    return rows.filter(is_whole).unique(["symbol", "id"], keep="first", maintain_order=True)


def _keep_a_number(
    frame: pl.DataFrame, keys: pl.DataFrame, symbols: pl.Series, numbers: Sequence[str]
) -> bool:
    """Whether a number that companies keep is one and the same for each of the symbols."""
    is_such = keys["symbol"].is_in(symbols.implode())
    rows = frame.filter(is_such).with_columns(keys["symbol"].filter(is_such).alias("key"))
    return any(
        not rows[name].null_count()
        and bool((rows.group_by("key").agg(pl.col(name).n_unique())[name] == 1).all())
        for name in numbers
    )


def _finding(
    name: str, column: pl.Series, hits: pl.DataFrame, *, is_part: bool, is_told: bool, path: str
) -> Finding:
    symbol = hits["symbol"].sort()[0]
    of_symbol = hits.filter(pl.col("symbol") == symbol)
    ids = column.gather(of_symbol["at"]).cast(pl.String).str.strip_chars()
    more = ", ..." if len(ids) > N_LISTED else ""
    return Issue.REUSED_SYMBOL.finding(
        safe_text(f"{name} {', '.join(ids[:N_LISTED])}{more}"),
        response="W" if is_told else "E",
        rule=f"one {'series' if is_part else 'company'} under one symbol"
        + ("; read as one" if is_told else ""),
        fix=_part_fix(name, ids, is_told=is_told)
        if is_part or is_told
        else _company_fix(name, column, ids),
        path=path,
        symbol=safe_text(symbol),
        session=str(of_symbol["session"][-1]) if is_told and is_part else "",
        count=hits["symbol"].n_unique(),
    )


def _part_fix(name: str, ids: pl.Series, *, is_told: bool) -> str:
    """The settings that read one part alone, or all as one: a choice of its reader."""
    parts = [f"data.only = {toml_value({name: text})}" for text in ids[-N_OFFERED:]]
    either = f"set {' or '.join(parts)}"
    if is_told:
        return f"{either}, if they are several."
    return f"{either} to read that part, or {columns_setting({name: ''})} if all is one."


def _company_fix(name: str, column: pl.Series, ids: pl.Series) -> str:
    """The settings that part companies: by their ids, or where those are no symbols, one alone."""
    if not holds_symbols(column):
        return _part_fix(name, ids, is_told=False)
    return f"set {symbol_setting(name, column)}, or {columns_setting({name: ''})} if it is one."
