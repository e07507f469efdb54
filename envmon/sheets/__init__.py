"""Workbooks that leave the program: refused rows to be mended, templates to be filled in. The only door to XlsxWriter.

Every text is written as text: what looks like a formula or an address in a name stays what it looks like.
Never here: what the columns mean, and where a workbook is put.
"""
