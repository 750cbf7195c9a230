output "role_arn" {
  description = "For aws_account_overrides, if assume_role_name_template does not match it."
  value       = aws_iam_role.member.arn
}
