"""What the site adds to the pages that Jupyter Book makes: a module an idea.

ahead      chapters executed side by side
figures    drawn for a column, a phone and a dark page; larger on a click; to take along
folding    code closed at first, but for the parameters
numbering  figure 7.3, table 8.2, equation (4.1), links to the papers' figures
mentions   the text before a figure or table tells its number
ledger     rows of the ledger as cards with links both ways
words      spaces that do not break, terms with their meaning
places     links that name a label of a page, or a paper of the bibliography
frame      what stands around the chapters: times, citing, where the source lies
"""
