output "role_arn" {
  description = "For aws_account_overrides, where the template does not give it."
  value       = aws_iam_role.member.arn
}
