"""What a chapter's page needs beyond figures: parameters, sentences, claims."""
